import type { Node } from "@fusewire/ir";
import type { RawConfig } from "../config/index.ts";
import type { LayerContext } from "../nn/context.ts";
import type { Step } from "../nn/step.ts";

/** A causal language model as the generate loop sees it: sizes, and how to trace it. */
export interface CausalModel {
  readonly vocabSize: number;
  /** The longest sequence the model was made for, in tokens. */
  readonly maxPositions: number;
  readonly layers: number;
  /** Traces the decoder over tokens i32[B, T], reading and writing the caches; f32[B, T, width] after the last norm. */
  readonly decode: (context: LayerContext, tokens: Node, step: Step) => Node;
  /** Scores of the next token: f32[…, width] -> f32[…, vocabSize]. */
  readonly head: (context: LayerContext, hidden: Node) => Node;
}

/** One architecture. A new one is a file of its own and a line in `families/index.ts`. */
export interface Family {
  /** `model_type` in config.json. */
  readonly modelType: string;
  /** `architectures` in config.json that this file covers. */
  readonly architectures: readonly string[];
  /** Reads and checks the config; refuses, by name, what the family's code does not do. */
  readonly create: (config: RawConfig) => CausalModel;
}
