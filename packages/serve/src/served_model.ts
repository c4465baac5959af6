import type { GenerationConfig } from "@fusewire/generate";
import type { Tokenizer } from "@fusewire/models";
import type { Batcher } from "./batch/batch.ts";

/** A model behind the routes. */
export interface ServedModel {
  /** The name under which clients ask for it. */
  readonly id: string;
  /** When it was loaded, in seconds since 1970. */
  readonly created: number;
  readonly tokenizer: Tokenizer;
  readonly batcher: Batcher;
  /** The checkpoint's own settings. */
  readonly defaults: GenerationConfig;
}

/** Tokens that end a turn: the checkpoint's, and the tokenizer's end token, which older checkpoints leave out. */
export const endsOfTurn = ({
  defaults,
  tokenizer,
}: Pick<ServedModel, "defaults" | "tokenizer">): number[] => [
  ...new Set([defaults.eos_token_id ?? [], tokenizer.eos_token_id ?? []].flat()),
];
