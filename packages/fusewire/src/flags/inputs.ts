import type { ModelInputs } from "@fusewire/generate";
import { FusewireError } from "@fusewire/ir";
import { loadTokenizer, type ModelFiles, type Tokenizer } from "@fusewire/models";
import type { Command } from "commander";
import type { Input } from "../io.ts";
import { booleanFlag } from "./values.ts";

/** What the model is given; as commander names the flags. */
export interface InputFlags {
  readonly prompt?: readonly string[];
  readonly inputIds?: string;
  readonly attentionMask?: string;
  readonly chat?: boolean;
}

export interface Inputs {
  readonly inputs: ModelInputs;
  /** What encoded the texts; undefined for token ids. */
  readonly tokenizer: Tokenizer | undefined;
}

export function addInputFlags(command: Command): Command {
  return command
    .option(
      "--prompt <text>",
      "text to go on from, '-' for stdin; several make a batch",
      (text: string, before: readonly string[] = []) => [...before, text],
    )
    .addOption(booleanFlag("--chat", "take each prompt as a message, by the model's chat template"))
    .option("--input-ids <json>", "token ids instead of a text, one list a row: '[[1,2],[3,4]]'")
    .option("--attention-mask <json>", "0 at the pads of --input-ids, 1 elsewhere");
}

/** The inputs that the flags describe, or stdin where they describe none. The model checks ids and masks itself. */
export async function readInputs(files: ModelFiles, flags: InputFlags, stdin: Input): Promise<Inputs> {
  const { prompt, inputIds, attentionMask, chat = false } = flags;
  if (inputIds === undefined) {
    if (attentionMask !== undefined)
      throw new FusewireError("--attention-mask belongs to --input-ids; give both");
    return encodePrompts(files, await readPrompts(prompt, stdin), chat);
  }
  if (prompt !== undefined)
    throw new FusewireError("a prompt and --input-ids exclude each other; give one of them");
  if (chat)
    throw new FusewireError("--chat is for prompts, and --input-ids are tokens already; leave it out");
  const input_ids = idRows("--input-ids", inputIds);
  const inputs =
    attentionMask === undefined
      ? { input_ids }
      : { input_ids, attention_mask: idRows("--attention-mask", attentionMask) };
  return { inputs, tokenizer: undefined };
}

/** The prompts, with stdin for '-', and for none where something is piped in. */
async function readPrompts(given: readonly string[] | undefined, stdin: Input): Promise<readonly string[]> {
  if (given === undefined && stdin.terminal)
    throw new FusewireError(
      'there is nothing to start from; give a prompt, such as "Once upon a time", or --input-ids JSON',
    );
  const prompts = given ?? ["-"];
  if (!prompts.includes("-")) return checkPrompts(prompts, "the prompt");
  // The line break that ends a file is no part of the text.
  const text = (await stdin.text()).replace(/\r?\n$/, "");
  checkPrompts([text], "stdin");
  return checkPrompts(
    prompts.map((prompt) => (prompt === "-" ? text : prompt)),
    "the prompt",
  );
}

function checkPrompts(prompts: readonly string[], what: string): readonly string[] {
  if (prompts.some((text) => text === ""))
    throw new FusewireError(`${what} is empty; give some text, or token ids by --input-ids`);
  return prompts;
}

/** The tokenizer of a directory that may have none. */
export async function optionalTokenizer(files: ModelFiles): Promise<Tokenizer | undefined> {
  const file = await files.open("tokenizer.json");
  await file?.close();
  return file && loadTokenizer(files);
}

async function encodePrompts(files: ModelFiles, prompts: readonly string[], chat: boolean): Promise<Inputs> {
  const own = await loadTokenizer(files);
  const batch = prompts.length > 1;
  // Masked pads may be any token, so a tokenizer without a pad token borrows the end token.
  const lacksPad = batch && own.pad_token === undefined && own.eos_token !== undefined;
  const tokenizer = lacksPad ? await loadTokenizer(files, { pad_token: own.eos_token }) : own;
  const options = { padding: batch, padding_side: "left" } as const;
  const inputs = chat
    ? tokenizer.apply_chat_template(prompts.map(asMessage), { ...options, add_generation_prompt: true })
    : tokenizer(prompts, options);
  if (inputs.attention_mask.some((row) => !row.includes(1)))
    throw new FusewireError("the prompt has no tokens; give some text, or token ids by --input-ids");
  return { inputs, tokenizer };
}

const asMessage = (content: string) => [{ role: "user", content }];

function idRows(flag: string, text: string): number[][] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new FusewireError(`${flag} is not JSON: '${shorten(text)}'; write it as '[[1,2],[3,4]]'`);
  }
  if (!isRows(value))
    throw new FusewireError(
      `${flag} must be a list of rows of integers such as '[[1,2],[3,4]]', not '${shorten(text)}'`,
    );
  return value;
}

const isRows = (value: unknown): value is number[][] =>
  Array.isArray(value) && value.every((row) => Array.isArray(row) && row.every((id) => Number.isInteger(id)));

const shorten = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text);
