import type { Node } from "@fusewire/ir";
import type { LayerContext } from "./context.ts";
import type { Step } from "./step.ts";

/** A causal language model as the generate loop sees it: sizes, and how to trace it. */
export interface CausalModel {
  readonly vocabSize: number;
  /** The longest sequence the model was made for, in tokens. */
  readonly maxPositions: number;
  readonly layers: number;
  /** The embedding that is the output matrix as well, by its name; undefined where `lm_head.weight` is. */
  readonly tied: string | undefined;
  /** Traces the decoder over tokens i32[B, T], reading and writing the caches; f32[B, T, width] after the last norm. */
  readonly decode: (context: LayerContext, tokens: Node, step: Step) => Node;
  /** Scores of the next token: f32[…, width] -> f32[…, vocabSize]. */
  readonly head: (context: LayerContext, hidden: Node) => Node;
}
