import { FusewireError } from "@fusewire/ir";
import { isRepoId } from "@fusewire/models";
import { EMBEDDED, exists } from "./model.ts";

/** What the words of `generate [model] [prompt…]` are. */
export interface Words {
  readonly model?: string;
  readonly prompts: readonly string[];
}

/** What flags have said already. */
interface GivenFlags {
  readonly model?: string;
  readonly prompt?: readonly string[];
}

/**
 * Tells the model from the prompts, of which `--model` and `--prompt` may have named either. Of several words the first
 * is the model; a single one is a model if it is called like one, and otherwise a prompt for the embedded model.
 */
export async function readWords(words: readonly string[], flags: GivenFlags): Promise<Words> {
  const [first, ...rest] = words;
  const word = flags.model === undefined && first !== undefined && (await isModel(first)) ? first : undefined;
  const prompts = word === undefined ? words : rest;
  if (flags.prompt !== undefined && prompts[0] !== undefined)
    throw new FusewireError(
      `'${prompts[0]}' belongs to no flag; begin flags with -- and put quotes around texts with spaces`,
    );
  if (word !== undefined) return { model: word, prompts };
  if (flags.model !== undefined || rest.length === 0) return { prompts };
  throw new FusewireError(
    `'${first}' is no model; the order is MODEL "PROMPT", and a prompt with spaces stands in quotes`,
  );
}

/** Whether a word names a model: one that comes along, something on the disk, or owner/name on the hub. */
const isModel = async (word: string): Promise<boolean> =>
  EMBEDDED.some((name) => name === word) ||
  /^\.{0,2}[/\\]/.test(word) ||
  (word.includes("/") && isRepoId(word)) ||
  exists(word);
