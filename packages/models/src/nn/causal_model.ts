import type { Node } from "@fusewire/ir";
import type { Keeping } from "../stored/index.ts";
import type { AttentionShape } from "./attention.ts";
import type { LayerContext } from "./context.ts";
import type { Step } from "./step.ts";

/** A causal language model as the generate loop sees it: sizes, and how to trace it. */
export interface CausalModel {
  readonly vocabSize: number;
  /** The longest sequence the model was made for, in tokens. */
  readonly maxPositions: number;
  /** Whether positions are rows of a table of weights, so that a longer sequence has none. */
  readonly positionTable: boolean;
  readonly layers: number;
  /** Width of what goes from layer to layer, and inside of each layer's MLP. */
  readonly width: number;
  readonly inner: number;
  readonly attention: Pick<AttentionShape, "heads" | "keyHeads" | "headDim">;
  /** How checkpoints of the family keep weights, and which embedding is the output matrix as well. */
  readonly keeping: Keeping;
  /**
   * Traces the decoder over tokens i32[B, T], reading and writing the caches; f32[B, T, width] after the last norm. Is
   * told what goes into each layer, f32[B, T, width], in order: the first is the embedding.
   */
  readonly decode: (context: LayerContext, tokens: Node, step: Step, told?: (input: Node) => void) => Node;
  /** Scores of the next token: f32[…, width] -> f32[…, vocabSize]. */
  readonly head: (context: LayerContext, hidden: Node) => Node;
}
