import { parseArgs } from "node:util";
import type { WeightDTypeName } from "@fusewire/generate";
import type { ModelFiles } from "@fusewire/models";
import { openModelDirectory } from "@fusewire/models/node";
import { randomModel, SHAPES } from "./shapes.ts";

/** What a bench is given. */
export interface BenchOptions {
  /** What the model is called in reports. */
  readonly model: string;
  /** Opens the model anew, for each contestant reads its own. */
  readonly open: () => Promise<ModelFiles>;
  readonly dtype: WeightDTypeName;
  /** Measured rounds, each contestant once in each. */
  readonly rounds: number;
  readonly prompt: number;
  readonly tokens: number;
  readonly launches: number;
}

export const USAGE = `usage: bench <decode|prefill|attention|dispatch> [flags]
  --shape <name>    random weights: ${Object.keys(SHAPES).join(", ")} (default: tiny)
  --model <folder>  a model with its own weights, instead
  --dtype <name>    how weights are kept (default: auto, as stored)
  --rounds <n>      measured rounds, 5 or more (default: 5)
  --prompt <n>      prompt tokens (default: 32; prefill 256)
  --tokens <n>      new tokens of a round (default: 32)
  --launches <n>    launches of a dispatch round (default: 300)`;

export function readOptions(args: string[]): { readonly bench: string; readonly options: BenchOptions } {
  const text = { type: "string" } as const;
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...{ shape: text, model: text, dtype: text, rounds: text, prompt: text, tokens: text, launches: text },
    },
  });
  const [bench = ""] = positionals;
  const count = (name: "rounds" | "prompt" | "tokens" | "launches", otherwise: number): number => {
    const value = Number(values[name] ?? otherwise);
    if (Number.isInteger(value) && value > 0) return value;
    throw new Error(`--${name} must be a count, not '${values[name]}'`);
  };
  const { shape = "tiny", model, dtype = "auto" } = values;
  return {
    bench,
    options: {
      model:
        model === undefined
          ? `${shape} (random weights)`
          : (model.split("/").filter(Boolean).at(-1) ?? model),
      open: async () => (model === undefined ? randomModel(shape) : openModelDirectory(model)),
      dtype: dtype as WeightDTypeName,
      rounds: count("rounds", 5),
      prompt: count("prompt", bench === "prefill" ? 256 : 32),
      tokens: count("tokens", 32),
      launches: count("launches", 300),
    },
  };
}
