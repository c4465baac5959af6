import type { Shape, Value } from "@fusewire/ir";
import type { Checkpoint } from "../checkpoint/index.ts";
import type { JsonObject } from "../files/index.ts";

/** A weight that a checkpoint keeps in few bits. */
export interface QuantizedWeight {
  /** As it is called where it is not quantized. */
  readonly name: string;
  readonly shape: Shape;
  /** The tensors of the checkpoint that it is made from, and those beside them that say nothing more. */
  readonly parts: readonly string[];
  /** The numbers it stands for, f32. */
  read(): Promise<Value>;
}

/** What a format may look at. */
export interface FormatContext {
  readonly checkpoint: Checkpoint;
  /** `quantization_config` of config.json. */
  readonly settings: JsonObject;
  /** config.json. */
  readonly config: JsonObject;
}

/** One way in which checkpoints keep weights in few bits, by the `quant_method` of config.json. */
export interface QuantizedFormat {
  readonly method: string;
  /** The weights that are kept so: whatever has the parts of one, for what was left out has none. */
  weights(context: FormatContext): Promise<readonly QuantizedWeight[]>;
}

/** The beginnings of the names that end so. */
export const endingWith = (checkpoint: Checkpoint, ending: string): string[] =>
  checkpoint
    .names()
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length));
