import type { WasmPaths } from "@fusewire/backend-tfjs";
import {
  type AttentionImplementation,
  type CausalLM,
  FROM_PRETRAINED_COMPAT,
  isAccepted,
  type LoadOptions,
  loadCausalLM,
  type WeightDType,
} from "@fusewire/generate";
import { FusewireError } from "@fusewire/ir";
import { loadTokenizer, type ModelFiles, type Tokenizer } from "@fusewire/models";
import { openModel } from "#platform";
import { createEngine } from "./devices.ts";

export interface FromPretrainedOptions {
  /** `auto` keeps weights as they are stored; others round them. Arithmetic is f32. */
  dtype?: WeightDType;
  /** Hugging Face's older name of `dtype`. */
  torch_dtype?: WeightDType;
  /** Where to run; see `DEVICES`. */
  device?: string;
  /** Hugging Face's way to place a model; one device holds all of it, so only "auto" is accepted. */
  device_map?: "auto";
  attn_implementation?: AttentionImplementation;
  /** Passes to leave out, by name. */
  disable_passes?: LoadOptions["disable_passes"];
  /** Told of each weight that has been read. */
  progress_callback?: LoadOptions["progress_callback"];
  /** For `eager:wasm` in a page, which cannot find the binaries by itself: their folder, or a URL for each file. */
  wasm_paths?: WasmPaths;
}

const OPTIONS = [
  "dtype",
  "torch_dtype",
  "device",
  "attn_implementation",
  "disable_passes",
  "progress_callback",
  "wasm_paths",
];

const open = (source: string | ModelFiles): Promise<ModelFiles> =>
  typeof source === "string" ? openModel(source) : Promise.resolve(source);

/** Loads causal language models from a Hugging Face model directory. */
export const AutoModelForCausalLM = {
  /** `source` is a folder, or the files themselves. The model owns its engine: `dispose()` frees both. */
  async from_pretrained(source: string | ModelFiles, options: FromPretrainedOptions = {}): Promise<CausalLM> {
    checkNames(options);
    const { device = "auto", torch_dtype, dtype = torch_dtype, attn_implementation } = options;
    if (torch_dtype !== undefined && dtype !== torch_dtype)
      throw new FusewireError(
        `from_pretrained: dtype '${dtype}' and torch_dtype '${torch_dtype}' differ; give one`,
      );
    const files = await open(source);
    const engine = await createEngine(device, { wasmPaths: options.wasm_paths });
    try {
      const { disable_passes, progress_callback } = options;
      const model = await loadCausalLM(files, {
        engine,
        dtype,
        attn_implementation,
        disable_passes,
        progress_callback,
      });
      await model.load().catch(async (error: unknown) => {
        await model.dispose();
        throw error;
      });
      return {
        ...model,
        async dispose() {
          await model.dispose();
          engine.dispose();
        },
      };
    } catch (error) {
      engine.dispose();
      throw error;
    }
  },
};

/** Options that are built, and Hugging Face's that are carried over; anything else is an error that says why. */
function checkNames(options: object): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || OPTIONS.includes(name) || isAccepted(FROM_PRETRAINED_COMPAT, name, value))
      continue;
    const reason =
      FROM_PRETRAINED_COMPAT[name]?.meaning ?? `not an option; options are ${OPTIONS.join(", ")}`;
    throw new FusewireError(`from_pretrained: '${name}': ${reason}`);
  }
}

/** Loads the tokenizer of a Hugging Face model directory. */
export const AutoTokenizer = {
  async from_pretrained(source: string | ModelFiles): Promise<Tokenizer> {
    return loadTokenizer(await open(source));
  },
};
