import { FusewireError } from "@fusewire/ir";
import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import type { JsonObject } from "../files/index.ts";
import type { PartWorld } from "./parts.ts";

/** What is used of `@huggingface/tokenizers`: models, its reading of Oniguruma's patterns, and SentencePiece's maps. */

/** Words to tokens. Stated here because the library's own types do not resolve under every module resolution. */
export interface Model {
  (words: string[]): string[];
  readonly unk_token_id: number | undefined;
}

interface Library {
  readonly model: Model;
  readonly normalizer: ((text: string) => string) | null;
  readonly pre_tokenizer: { readonly pattern: RegExp | null } | null;
}

const NOTHING = {
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: null,
  post_processor: null,
  decoder: null,
  model: { type: "BPE", vocab: {}, merges: [] },
};

const create = (parts: object, config: object = {}): Library =>
  new LibraryTokenizer({ ...NOTHING, ...parts } as never, config) as unknown as Library;

/** The trained model of tokenizer.json. */
export function createModel(model: JsonObject, eosToken: string | undefined): Model {
  try {
    // tokenizer_config.json may hold settings of old Python tokenizers, which tokenizer.json overrides: not passed on.
    return create({ model }, eosToken === undefined ? {} : { eos_token: eosToken }).model;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FusewireError(
      `tokenizer.json cannot be used (${reason}); download it again, or convert the tokenizer to a supported type`,
      { cause },
    );
  }
}

export const world: PartWorld = {
  patternOf(pattern) {
    const split = { type: "Split", pattern, behavior: "Isolated", invert: true };
    const regex = create({ pre_tokenizer: split }).pre_tokenizer?.pattern;
    if (regex) return regex;
    throw new FusewireError(
      `a pattern of tokenizer.json is ${JSON.stringify(pattern)}, expected { "String": … } or { "Regex": … }; download the file again`,
    );
  },
  precompiled(settings) {
    const { normalizer } = create({ normalizer: settings });
    return (text) => normalizer?.(text) ?? text;
  },
};
