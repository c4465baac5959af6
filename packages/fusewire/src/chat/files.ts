import { readFile, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { FusewireError } from "@fusewire/ir";
import type { Conversation, Message } from "./conversation.ts";

/** The path that a name means; there is no shell here to know of `~`. */
export const pathOf = (name: string): string =>
  /^~[/\\]/.test(name) ? join(homedir(), name.slice(2)) : name;

/** Writes a conversation as `{"messages": [{"role", "content"}, …]}`; a file is replaced only where that is asked for. */
export async function saveConversation(
  path: string,
  messages: Conversation,
  replace: boolean,
): Promise<void> {
  const text = `${JSON.stringify({ messages }, undefined, 2)}\n`;
  await writeFile(path, text, { flag: replace ? "w" : "wx" }).catch((cause) => {
    if (codeOf(cause) === "EEXIST")
      throw new FusewireError(`'${path}' exists already; give another name`, { cause });
    throw new FusewireError(`cannot write '${path}' (${codeOf(cause)}); give another place`, { cause });
  });
}

/** Reads what `saveConversation` wrote, or a bare list of messages. */
export async function loadConversation(path: string): Promise<Conversation> {
  const text = await readFile(path, "utf8").catch((cause) => {
    throw new FusewireError(`cannot read '${path}' (${codeOf(cause)}); check the name`, { cause });
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new FusewireError(`'${path}' is not JSON; give a file that /save wrote`);
  }
  const list = isRecord(value) ? value.messages : value;
  if (!Array.isArray(list))
    throw new FusewireError(`'${path}' has no list of messages; give a file that /save wrote`);
  return list.map((entry: unknown, i): Message => {
    if (isRecord(entry) && typeof entry.role === "string" && typeof entry.content === "string")
      return { role: entry.role, content: entry.content };
    throw new FusewireError(
      `message ${i} of '${path}' lacks a 'role' or a 'content' that is text; correct it`,
    );
  });
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
