import type { LineReader } from "../io.ts";

/** What a person says at once: one line, or several. */
export type Input =
  /** `plain`: one line, which may be a command. */
  | { readonly kind: "message"; readonly text: string; readonly plain: boolean }
  | { readonly kind: "interrupt"; readonly dropped: boolean }
  | { readonly kind: "end" };

const PROMPT = ">>> ";
const MORE = "... ";
const FENCE = '"""';

/** Reads a message: a line; lines that end in a backslash, up to one that does not; or lines between two `"""`. */
export async function readMessage(lines: LineReader): Promise<Input> {
  const first = await lines.next(PROMPT);
  if (first.kind !== "line") return first;
  const text = first.text.trimEnd();
  if (text.trimStart().startsWith(FENCE)) return readBlock(lines, text.trimStart().slice(FENCE.length));
  if (text.endsWith("\\")) return readContinued(lines, text);
  return { kind: "message", text, plain: true };
}

async function readContinued(lines: LineReader, first: string): Promise<Input> {
  const parts: string[] = [];
  let text = first;
  while (text.endsWith("\\")) {
    parts.push(text.slice(0, -1));
    const line = await lines.next(MORE);
    if (line.kind === "interrupt") return { kind: "interrupt", dropped: true };
    text = line.kind === "end" ? "" : line.text.trimEnd();
  }
  return { kind: "message", text: [...parts, text].join("\n").trimEnd(), plain: false };
}

async function readBlock(lines: LineReader, first: string): Promise<Input> {
  const parts: string[] = [];
  let text = first;
  while (!text.endsWith(FENCE)) {
    parts.push(text);
    const line = await lines.next(MORE);
    if (line.kind === "interrupt") return { kind: "interrupt", dropped: true };
    text = line.kind === "end" ? FENCE : line.text.trimEnd();
  }
  parts.push(text.slice(0, -FENCE.length));
  return { kind: "message", text: parts.join("\n").trim(), plain: false };
}
