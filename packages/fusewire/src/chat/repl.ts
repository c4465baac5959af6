import type { GenerationOptions } from "@fusewire/generate";
import { FusewireError } from "@fusewire/ir";
import type { Tokenizer } from "@fusewire/models";
import { Interrupted } from "../errors.ts";
import { type LineReader, type Output, widthOf } from "../io.ts";
import { printable } from "../text/cells.ts";
import { plural } from "../text/units.ts";
import { wrap } from "../text/wrap.ts";
import { type Answer, answer } from "./answer.ts";
import { type ChatState, parseCommand } from "./commands.ts";
import { type EncodeChat, fit } from "./conversation.ts";
import type { AnswerSettings, ChatModel } from "./model.ts";
import { readMessage } from "./read.ts";

/** Everything that a chat is made of. */
export interface ChatParts {
  readonly model: ChatModel;
  readonly tokenizer: Tokenizer;
  readonly encode: EncodeChat;
  readonly settingsFor: (options: GenerationOptions) => AnswerSettings;
  readonly lines: LineReader;
  /** Answers alone. */
  readonly out: Output;
  /** Everything else. */
  readonly notes: Output;
}

/**
 * Reads messages and answers them until there are no more. A person sees what went wrong and goes on; in a pipe the
 * first error ends the chat, for nobody would see it.
 */
export async function runChat(parts: ChatParts, start: ChatState): Promise<void> {
  const { lines, notes } = parts;
  const say = (text: string) => notes.write(`${wrap(printable(text), widthOf(notes))}\n`);
  let state = start;
  /** Ctrl+C was pressed, and nothing since. */
  let asked = false;
  for (;;) {
    const input = await readMessage(lines);
    if (input.kind === "end") {
      if (lines.interactive) notes.write("\n");
      return;
    }
    if (input.kind === "interrupt") {
      if (asked && !input.dropped) return;
      asked = !input.dropped;
      if (asked) say("Ctrl+C again, or Ctrl+D, leaves");
      continue;
    }
    asked = false;
    if (input.text.trim() === "") continue;
    try {
      const command = input.plain ? parseCommand(input.text) : undefined;
      if (!command) state = await turn(parts, state, input.text, say);
      else {
        const { encode, settingsFor } = parts;
        const effect = await command({ state, encode, settingsFor });
        if (effect.leave) return;
        if (effect.forget) parts.model.reset();
        state = effect.state ?? state;
        if (effect.say !== undefined) say(effect.say);
        if (effect.ask !== undefined) state = await turn(parts, state, effect.ask, say);
      }
    } catch (error) {
      if (!lines.interactive || !(error instanceof FusewireError)) throw error;
      say(`error: ${error.message}`);
    }
  }
}

/** One message and its answer. */
async function turn(
  { model, tokenizer, encode, settingsFor, lines, out }: ChatParts,
  state: ChatState,
  text: string,
  say: (text: string) => void,
): Promise<ChatState> {
  const settings = settingsFor(state.options ?? {});
  const asked = [...state.messages, { role: "user", content: text }];
  const { messages, ids, dropped } = fit(asked, encode, settings.space);
  if (dropped > 0)
    say(
      `[the model holds ${settings.space.context} tokens: the oldest ${plural(dropped, "message")} left out; /reset starts anew]`,
    );
  const printer = answerPrinter(out);
  const given = await lines.during((signal) => answer(model, tokenizer, ids, settings, signal, printer.push));
  printer.end();
  if (given.end === "stopped" && !lines.interactive) throw new Interrupted();
  const notice = noticeOf(given, settings);
  if (notice !== undefined) say(notice);
  // A blank line before the next prompt.
  if (lines.interactive) out.write("\n");
  // Templates want an answer to each message, so one without takes its message along.
  if (given.text === "") return { ...state, messages: messages.slice(0, -1) };
  return {
    ...state,
    messages: [...messages, { role: "assistant", content: given.text }],
    last: { tokens: ids.length + given.tokens, ...(given.stats && { stats: given.stats }) },
  };
}

function noticeOf({ text, tokens, end }: Answer, { space }: AnswerSettings): string | undefined {
  const empty = text === "" ? "; the message is forgotten" : "";
  switch (end) {
    case "ended":
      return text === "" ? "[no answer; the message is forgotten]" : undefined;
    case "stopped":
      return `[stopped${empty}]`;
    case "limit":
      return `[cut at ${plural(tokens, "token")}; --max-new-tokens sets the limit]`;
    case "full":
      return `[cut: all ${space.context} tokens that the model holds are used; older messages will be left out, /reset starts anew]`;
  }
}

/** Shows an answer as it comes. A terminal breaks lines by itself, so that lines of code stay whole when copied. */
function answerPrinter(out: Output): { push(piece: string): void; end(): void } {
  const terminal = out.columns !== undefined;
  let begun = false;
  let last = "";
  return {
    push(piece) {
      const start = begun ? piece : piece.trimStart();
      begun ||= start !== "";
      const text = terminal ? printable(start) : start;
      if (text === "") return;
      last = text;
      out.write(text);
    },
    end() {
      // A pipe has a line for each answer, a terminal for each that says something.
      if (!last.endsWith("\n") && !(terminal && last === "")) out.write("\n");
    },
  };
}
