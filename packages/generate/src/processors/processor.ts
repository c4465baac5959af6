import type { Node } from "@fusewire/ir";

/** What a processor may look at. B rows, of which row b holds lengths[b] tokens. */
export interface ScoreContext {
  /** i32[B, C]: the tokens of each row so far, prompt included, pads not. */
  readonly ids: Node;
  /** i32[B] */
  readonly lengths: Node;
  /** Tokens a filter must leave (Hugging Face min_tokens_to_keep). */
  readonly keep: number;
}

/**
 * A traced rewrite of the scores before a token is chosen. Its option is data, one number a row, so that no value of
 * it compiles anything.
 */
export interface Processor {
  /** The key of GenerationConfig that holds its option. */
  readonly option: string;
  readonly dtype: "f32" | "i32";
  /** The value that changes nothing. */
  readonly neutral: number;
  /** Whether it applies only where tokens are sampled (a Hugging Face warper). */
  readonly samplingOnly: boolean;
  /** scores: f32[B, V]; value: [B]; result f32[B, V]. */
  readonly apply: (scores: Node, value: Node, context: ScoreContext) => Node;
}
