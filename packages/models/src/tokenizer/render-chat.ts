import { FusewireError } from "@fusewire/ir";
import type { Span } from "./align.ts";
import { type ControlTokens, escapeOf, type Marks } from "./control-tokens.ts";
import type { CompiledTemplate } from "./jinja/index.ts";

type Message = Record<string, unknown>;

/** A part of a rendered chat. In a plain one no added token is found. */
export interface ChatPart {
  readonly text: string;
  readonly start: number;
  readonly isPlain: boolean;
}

export interface RenderedChat {
  readonly text: string;
  /** The text in parts that are encoded one by one. */
  readonly parts: readonly ChatPart[];
  /** What stands in `{% generation %}` blocks, in UTF-16 units of the text. */
  readonly generated: readonly Span[];
}

/** Names under which reasoning is passed; templates read the first, or some of them the second. */
const REASONING = ["reasoning_content", "thinking", "reasoning"];

/** Messages as Hugging Face shows them to templates: without null fields, and with reasoning under its usual name. */
export function prepareMessages(messages: readonly Message[]): Message[] {
  return messages.map((message) => {
    const kept = Object.fromEntries(Object.entries(message).filter(([, value]) => value !== null));
    const reasoning = REASONING.map((name) => kept[name]).find((value) => value !== undefined);
    return reasoning === undefined ? kept : { thinking: reasoning, ...kept, reasoning_content: reasoning };
  });
}

/** Renders one conversation so that it ends within the last message's `field`, for the model to go on with it. */
export function renderOpenEnded(
  messages: readonly Message[],
  field: string,
  template: CompiledTemplate,
  marks: Marks,
  render: (messages: readonly Message[]) => string,
): string {
  const last = messages.at(-1);
  const open = last?.[field];
  if (last === undefined || open === undefined)
    throw new FusewireError(
      `continue_final_message needs a last message with '${field}', which is missing; add it, or use add_generation_prompt`,
    );
  // Reasoning has several names, and the template reads one of them.
  const fields = REASONING.includes(field) ? REASONING.filter((name) => last[name] === open) : [field];
  if (!fields.some((name) => template.source.includes(name)))
    throw new FusewireError(
      `continue_final_message means '${field}', which the chat template does not read; name another field`,
    );
  // The space tells whether the template trims what it is given.
  const tail = `${marks.tail} `;
  const { value, text } = withTail(open, tail);
  const rendered = render([
    ...messages.slice(0, -1),
    { ...last, ...Object.fromEntries(fields.map((name) => [name, value])) },
  ]);
  const end = rendered.lastIndexOf(marks.tail);
  if (end < 0 || !rendered.includes(text.trim()))
    throw new FusewireError(
      "continue_final_message: the last message is not in the rendered chat as it was given, because the chat template changes it; pass another chat_template",
    );
  return rendered.startsWith(tail, end) ? rendered.slice(0, end) : rendered.slice(0, end).trimEnd();
}

/** The value with the tail after its text, or after the last text of its parts. */
function withTail(value: unknown, tail: string): { readonly value: unknown; readonly text: string } {
  if (typeof value === "string") return { value: value + tail, text: value };
  const parts: readonly unknown[] = Array.isArray(value) ? value : [];
  const at = parts.findLastIndex((part) => textOf(part) !== undefined);
  const text = textOf(parts[at]);
  if (text === undefined)
    throw new FusewireError(
      "continue_final_message finds no text to go on with in the last message; add one",
    );
  return { value: parts.with(at, { ...(parts[at] as object), text: text + tail }), text };
}

const textOf = (part: unknown): string | undefined =>
  typeof part === "object" && part !== null && "text" in part && typeof part.text === "string"
    ? part.text
    : undefined;

/** Takes the marks out of a rendered chat. A mark that lost its partner in the template still cuts the text. */
export function readRendered(rendered: string, marks: Marks, tokens: ControlTokens): RenderedChat {
  const { textStart, textEnd, generationStart, generationEnd } = marks;
  const all = [textStart, textEnd, generationStart, generationEnd];
  const pattern = new RegExp(`([${all.join("")}])`);
  let text = "";
  let from = 0;
  let isOpen = false;
  const opened: number[] = [];
  const parts: ChatPart[] = [];
  const generated: Span[] = [];
  const cut = (closes: boolean): void => {
    const part = text.slice(from);
    const isPlain = isOpen && closes && tokens.contents.has(part);
    parts.push({ text: part, start: from, isPlain });
    from = text.length;
    isOpen = !closes;
  };
  const unescaped = all.reduce((whole, mark) => whole.replaceAll(escapeOf(mark), mark), rendered);
  for (const piece of unescaped.split(pattern)) {
    if (piece === textStart || piece === textEnd) cut(piece === textEnd);
    else if (piece === generationStart) opened.push(text.length);
    else if (piece === generationEnd) generated.push([opened.pop() ?? text.length, text.length]);
    else text += piece;
  }
  cut(false);
  return { text, parts, generated };
}
