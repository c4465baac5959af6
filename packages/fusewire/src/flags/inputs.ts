import type { ModelInputs } from "@fusewire/generate";
import { FusewireError } from "@fusewire/ir";
import { loadTokenizer, type ModelFiles, type Tokenizer } from "@fusewire/models";
import type { Command } from "commander";

/** What the model is given; as commander names the flags. */
export interface InputFlags {
  readonly prompt?: readonly string[];
  readonly inputIds?: string;
  readonly attentionMask?: string;
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
      "text to go on from; several make a batch",
      (text: string, before: readonly string[] = []) => [...before, text],
    )
    .option("--input-ids <json>", "token ids instead of a text, one list a row: '[[1,2],[3,4]]'")
    .option("--attention-mask <json>", "0 at the pads of --input-ids, 1 elsewhere");
}

/** The inputs that the flags describe. The model checks ids and masks itself. */
export async function readInputs(files: ModelFiles, flags: InputFlags): Promise<Inputs> {
  const { prompt, inputIds, attentionMask } = flags;
  if (prompt !== undefined) {
    if (inputIds !== undefined || attentionMask !== undefined)
      throw new FusewireError("--prompt and --input-ids exclude each other; give one of them");
    if (prompt.some((text) => text === ""))
      throw new FusewireError("--prompt is empty; give it some text, or token ids by --input-ids");
    return encodePrompts(files, prompt);
  }
  if (inputIds === undefined)
    throw new FusewireError("there is nothing to start from; give --prompt TEXT or --input-ids JSON");
  const input_ids = idRows("--input-ids", inputIds);
  const inputs =
    attentionMask === undefined
      ? { input_ids }
      : { input_ids, attention_mask: idRows("--attention-mask", attentionMask) };
  return { inputs, tokenizer: undefined };
}

/** The tokenizer of a directory that may have none. */
export async function optionalTokenizer(files: ModelFiles): Promise<Tokenizer | undefined> {
  const file = await files.open("tokenizer.json");
  await file?.close();
  return file && loadTokenizer(files);
}

async function encodePrompts(files: ModelFiles, prompts: readonly string[]): Promise<Inputs> {
  const own = await loadTokenizer(files);
  const batch = prompts.length > 1;
  // Masked pads may be any token, so a tokenizer without a pad token borrows the end token.
  const lacksPad = batch && own.pad_token === undefined && own.eos_token !== undefined;
  const tokenizer = lacksPad ? await loadTokenizer(files, { pad_token: own.eos_token }) : own;
  const inputs = tokenizer(prompts, { padding: batch, padding_side: "left" });
  if (inputs.attention_mask.some((row) => !row.includes(1)))
    throw new FusewireError("--prompt has no tokens; give it some text, or token ids by --input-ids");
  return { inputs, tokenizer };
}

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
