import type { WasmPaths } from "@fusewire/backend-tfjs";
import {
  type AttentionImplementation,
  type CacheDTypeName,
  type CausalLM,
  FROM_PRETRAINED_COMPAT,
  isAccepted,
  type LoadOptions,
  type LoadProgress,
  loadCausalLM,
  type WeightDType,
} from "@fusewire/generate";
import { FusewireError, optionsInstead } from "@fusewire/ir";
import {
  ggufFiles,
  HUB_OPTIONS,
  type HubOptions,
  type HubProgress,
  loadTokenizer,
  type ModelFiles,
  TOKENIZER_OPTIONS,
  type Tokenizer,
  type TokenizerOptions,
} from "@fusewire/models";
import { type Buckets, DEFAULT_BUCKETS } from "@fusewire/passes";
import { openModel } from "#platform";
import { createEngine } from "./devices.ts";
import { memorySize } from "./memory/size.ts";
import type { Device } from "./named_engine.ts";
import { PRETRAINED_OPTIONS } from "./pretrained_options.ts";

/** Where a model of the hub comes from. */
export type SourceOptions = Omit<HubOptions, "progress_callback">;

export interface FromPretrainedOptions extends SourceOptions, FileOptions {
  /**
   * `auto` keeps weights as they are stored; others round them. Arithmetic is f32. `{ bits: 8 | 4, group }` quantizes
   * with a scale for `group` neighbours: 32, 64, 128 or, with 8 bits, "row".
   */
  dtype?: WeightDType;
  /** Hugging Face's older name of `dtype`. */
  torch_dtype?: WeightDType;
  /** Where to run; see `DEVICES`. */
  device?: Device;
  /** Threads of device `wasm`; as many as the machine has unless given. */
  threads?: number;
  /** What weights, caches and scratch memory may take on `wasm` and `webgpu`: bytes, or a size such as "6GiB". */
  max_memory?: number | string;
  /** Hugging Face's way to place a model; one device holds all of it, so only "auto" is accepted. */
  device_map?: "auto";
  attn_implementation?: AttentionImplementation;
  /** How keys and values are kept in the cache; "float32" unless given. */
  cache_dtype?: CacheDTypeName;
  /**
   * The sizes that programs are compiled for: `batch` rows and `chunk` prompt tokens, rising, and the `capacity` of the
   * first cache, which doubles. Those that are not given stay as they are.
   */
  buckets?: Partial<Buckets>;
  /** Passes to leave out, by name. */
  disable_passes?: LoadOptions["disable_passes"];
  /** Told of each weight that has been read, and of the bytes of files that are downloaded or checked. */
  progress_callback?: (progress: LoadProgress | HubProgress) => void;
  /** For `eager:wasm` in a page, which cannot find the binaries by itself: their folder, or a URL for each file. */
  wasm_paths?: WasmPaths;
}

/** Where in a model's files the model is. */
interface FileOptions {
  /** The name of a GGUF file among them, which has weights, settings and tokenizer. */
  gguf_file?: string;
}

async function open(source: string | ModelFiles, options: HubOptions & FileOptions): Promise<ModelFiles> {
  const { gguf_file } = options;
  if (gguf_file !== undefined && !gguf_file.endsWith(".gguf"))
    throw new FusewireError(`from_pretrained: gguf_file '${gguf_file}' does not end in .gguf`);
  const given = Object.fromEntries(
    Object.entries(options).filter(([name, value]) => HUB_OPTIONS.includes(name) && value !== undefined),
  );
  if (typeof source === "string")
    return openModel(gguf_file === undefined ? source : `${source}/${gguf_file}`, given);
  if (options.revision !== undefined)
    throw new FusewireError(
      "from_pretrained: 'revision' is for models of the hub, not for files that are given",
    );
  return gguf_file === undefined ? source : ggufFiles(source, gguf_file);
}

/** A model that does not load may have been damaged on the disk: then it is fetched again, and loaded once more. */
async function loadOrRepair<T>(files: ModelFiles, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (!(error instanceof FusewireError) || !(await files.repair?.())?.length) throw error;
    return load();
  }
}

/** A model on an engine of its own. */
export interface PretrainedModel extends CausalLM {
  /** Why `device: "auto"` took the engine; undefined where the device was named. */
  readonly device_reason: string | undefined;
}

/** Loads causal language models: from a Hugging Face model directory, or from the hub. */
export const AutoModelForCausalLM = {
  /** `source` is a folder, `owner/name` on the hub, or the files themselves. The model owns its engine: `dispose()` frees both. */
  async from_pretrained(
    source: string | ModelFiles,
    options: FromPretrainedOptions = {},
  ): Promise<PretrainedModel> {
    checkNames(options, Object.keys(PRETRAINED_OPTIONS));
    const { device = "auto", torch_dtype, dtype = torch_dtype, attn_implementation } = options;
    if (torch_dtype !== undefined && dtype !== torch_dtype)
      throw new FusewireError(
        `from_pretrained: dtype ${JSON.stringify(dtype)} and torch_dtype ${JSON.stringify(torch_dtype)} differ; give one`,
      );
    const files = await open(source, options);
    return loadOrRepair(files, async () => {
      const { wasm_paths, threads, max_memory } = options;
      const { engine, reason } = await createEngine(device, {
        wasmPaths: wasm_paths,
        threads,
        maxMemory: max_memory === undefined ? undefined : memorySize(max_memory),
      });
      try {
        const { cache_dtype, disable_passes, progress_callback } = options;
        const model = await loadCausalLM(files, {
          engine,
          owns_engine: true,
          dtype,
          cache_dtype,
          attn_implementation,
          buckets: { ...DEFAULT_BUCKETS, ...options.buckets },
          disable_passes,
          progress_callback,
        });
        await model.load().catch(async (error: unknown) => {
          await model.dispose();
          throw error;
        });
        return Object.assign(model, { device_reason: reason });
      } catch (error) {
        engine.dispose();
        throw error;
      }
    });
  },
};

/** Options that are built, and Hugging Face's that are carried over; anything else is an error that says why. */
function checkNames(options: object, known: readonly string[]): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || known.includes(name) || isAccepted(FROM_PRETRAINED_COMPAT, name, value))
      continue;
    const reason = FROM_PRETRAINED_COMPAT[name]?.meaning ?? `not an option; ${optionsInstead(name, known)}`;
    throw new FusewireError(`from_pretrained: '${name}': ${reason}`);
  }
}

/** Loads the tokenizer of a Hugging Face model directory or of a model on the hub; no weights are downloaded for it. */
export const AutoTokenizer = {
  /** Options of the hub, and settings that replace those of the files, such as `pad_token` and `padding_side`. */
  async from_pretrained(
    source: string | ModelFiles,
    options: HubOptions & TokenizerOptions & FileOptions = {},
  ): Promise<Tokenizer> {
    const settings = Object.keys(TOKENIZER_OPTIONS);
    checkNames(options, [...HUB_OPTIONS, "gguf_file", ...settings]);
    const files = await open(source, options);
    const own = Object.fromEntries(Object.entries(options).filter(([name]) => settings.includes(name)));
    return loadOrRepair(files, () => loadTokenizer(files, own));
  },
};
