import type { RawConfig } from "../config/index.ts";
import type { CausalModel } from "../nn/causal_model.ts";

/** One architecture. A new one is a file of its own and a line in `families/index.ts`. */
export interface Family {
  /** `model_type` in config.json. */
  readonly modelType: string;
  /** `architectures` in config.json that this file covers. */
  readonly architectures: readonly string[];
  /** Reads and checks the config; refuses, by name, what the family's code does not do. */
  readonly create: (config: RawConfig) => CausalModel;
}
