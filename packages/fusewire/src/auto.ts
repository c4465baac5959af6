import {
  type AttentionImplementation,
  type CausalLM,
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
  /** Where to run; see `DEVICES`. */
  device?: string;
  attn_implementation?: AttentionImplementation;
  /** Passes to leave out, by name. */
  disable_passes?: LoadOptions["disable_passes"];
}

const KNOWN = ["dtype", "device", "attn_implementation", "disable_passes"];

const open = (source: string | ModelFiles): Promise<ModelFiles> =>
  typeof source === "string" ? openModel(source) : Promise.resolve(source);

/** Loads causal language models from a Hugging Face model directory. */
export const AutoModelForCausalLM = {
  /** `source` is a folder, or the files themselves. The model owns its engine: `dispose()` frees both. */
  async from_pretrained(source: string | ModelFiles, options: FromPretrainedOptions = {}): Promise<CausalLM> {
    const unknown = Object.keys(options).find((name) => !KNOWN.includes(name));
    if (unknown !== undefined)
      throw new FusewireError(
        `from_pretrained: '${unknown}' is not an option; options are ${KNOWN.join(", ")}`,
      );
    const { device = "auto", ...rest } = options;
    const files = await open(source);
    const engine = await createEngine(device);
    const model = await loadCausalLM(files, { engine, ...rest });
    return {
      ...model,
      async dispose() {
        await model.dispose();
        engine.dispose();
      },
    };
  },
};

/** Loads the tokenizer of a Hugging Face model directory. */
export const AutoTokenizer = {
  async from_pretrained(source: string | ModelFiles): Promise<Tokenizer> {
    return loadTokenizer(await open(source));
  },
};
