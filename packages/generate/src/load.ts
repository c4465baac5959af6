import { type DType, FusewireError, type TensorType } from "@fusewire/ir";
import {
  type CacheDType,
  type CausalModel,
  type Checkpoint,
  createModel,
  type GenerationDefaults,
  type ModelFiles,
  openCheckpoint,
  type RawConfig,
  readConfig,
  readGenerationConfig,
} from "@fusewire/models";
import {
  type Buckets,
  DEFAULT_BUCKETS,
  type Engine,
  type LowerOptions,
  type OptionalPass,
  type Quantization,
} from "@fusewire/passes";
import { compilable, settingsOf } from "./compile/compile.ts";
import { joined } from "./compile/settings.ts";
import { forward } from "./forward.ts";
import { generateSteps } from "./generate.ts";
import type { GenerationOptions } from "./options/index.ts";
import type { GenerationResult } from "./result.ts";
import type { ModelInputs } from "./rows.ts";
import { createRuntime, type Runtime } from "./runtime.ts";
import type { GenerationStep } from "./step.ts";
import { load, type WarmupSizes, warmup } from "./warmup.ts";
import { checkWeights, type LoadProgress, weightSource } from "./weights.ts";

/**
 * How weights are kept: as they are stored, or rounded to one dtype; arithmetic is f32. With `q8` and `q4` matrices
 * become integers of 8 or 4 bits, a scale for 32 neighbours, and products run in integers where the engine can.
 */
export type WeightDType = "auto" | "float32" | "bfloat16" | "float16" | "q8" | "q4";

/**
 * How keys and values are kept in the cache: as floats of 32 or 16 bits, or as bytes with one scale a token and head.
 * Attention reads them as they are; arithmetic is f32.
 */
export type CacheDTypeName = "float32" | "float16" | "int8";

/** `eager` computes attention by plain products and softmax; `sdpa` by the engine's attention kernel. */
export type AttentionImplementation = "eager" | "sdpa";

export interface LoadOptions {
  readonly engine: Engine;
  /** Whether the engine is the model's own, so that `dispose()` frees it too. */
  readonly owns_engine?: boolean;
  readonly dtype?: WeightDType | undefined;
  readonly cache_dtype?: CacheDTypeName | undefined;
  readonly attn_implementation?: AttentionImplementation | undefined;
  /** Passes to leave out; for tests and for looking at what a pass does. */
  readonly disable_passes?: readonly OptionalPass[] | undefined;
  /** Told of each weight that has been read. */
  readonly progress_callback?: ((progress: LoadProgress) => void) | undefined;
  /** The sizes that programs are compiled for. */
  readonly buckets?: Buckets | undefined;
}

/** A causal language model, loaded. Names follow Hugging Face where users carry them over. */
export interface CausalLM {
  readonly config: RawConfig;
  /** The checkpoint's defaults for generate(); may be changed. */
  readonly generation_config: { -readonly [K in keyof GenerationDefaults]: GenerationDefaults[K] };
  readonly device: string;
  readonly runtime: Runtime;
  /** Scores after every token; see `forward`. May be set to `compile(model.forward, …)`. */
  forward: (inputs: ModelInputs) => ReturnType<typeof forward>;
  /** Generates to the end and returns sequences and stats. May be set to `compile(model.generate, …)`. */
  generate: (inputs: ModelInputs, options?: GenerationOptions) => Promise<GenerationResult>;
  /** Generates step by step, as `generate` is compiled; the return value is what `generate` would have returned. */
  readonly stream: (
    inputs: ModelInputs,
    options?: GenerationOptions,
  ) => AsyncGenerator<GenerationStep, GenerationResult>;
  /** Reads the weights now, and not when the first program needs them. */
  load(): Promise<void>;
  /** Compiles every program that generate() needs for batches and lengths of this size, greedy and sampled. */
  warmup(sizes?: WarmupSizes): Promise<void>;
  /** Frees the model's weights and caches on the engine. */
  dispose(): Promise<void>;
}

const DTYPES: Readonly<Record<WeightDType, DType | undefined>> = {
  auto: undefined,
  float32: "f32",
  bfloat16: "bf16",
  float16: "f16",
  q8: undefined,
  q4: undefined,
};

const CACHE_DTYPES: Readonly<Record<CacheDTypeName, CacheDType>> = {
  float32: "f32",
  float16: "f16",
  int8: "i8",
};

const QUANTIZATION: Readonly<Partial<Record<WeightDType, Quantization>>> = {
  q8: { bits: 8, group: 32 },
  q4: { bits: 4, group: 32 },
};

const ATTENTION: Readonly<Record<AttentionImplementation, readonly OptionalPass[]>> = {
  eager: ["fuse_attention"],
  sdpa: [],
};

/** A model read as far as its graph can be traced: configuration and the headers of its weights. */
export interface OpenModel {
  readonly config: RawConfig;
  readonly model: CausalModel;
  readonly checkpoint: Checkpoint;
  /** The weights that the model reads. */
  readonly params: ReadonlyMap<string, TensorType>;
  /** The dtype in which the graph reads a weight. */
  readonly storage: (name: string) => DType;
  readonly cacheDType: CacheDType;
}

/** Opens a model and checks its weights against its configuration, without reading any. */
export async function openCausalModel(
  files: ModelFiles,
  { dtype = "auto", cache_dtype = "float32" }: Pick<LoadOptions, "dtype" | "cache_dtype"> = {},
): Promise<OpenModel> {
  const stored = choose("dtype", dtype, DTYPES);
  const cacheDType = choose("cache_dtype", cache_dtype, CACHE_DTYPES);
  const config = await readConfig(files);
  const model = createModel(config);
  const checkpoint = await openCheckpoint(files);
  const storage = (name: string): DType => stored ?? checkpoint.type(name)?.dtype ?? "f32";
  try {
    const params = checkWeights({ model, storage, checkpoint });
    return { config, model, checkpoint, params, storage, cacheDType };
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}

/** Loads a causal language model onto an engine. Weights are read when the first program needs them. */
export async function loadCausalLM(files: ModelFiles, options: LoadOptions): Promise<CausalLM> {
  const {
    engine,
    owns_engine = false,
    dtype,
    attn_implementation = "sdpa",
    disable_passes = [],
    buckets = DEFAULT_BUCKETS,
  } = options;
  const attention = choose("attn_implementation", attn_implementation, ATTENTION);
  const generation_config = { ...(await readGenerationConfig(files)) };
  const {
    config,
    model: graph,
    checkpoint,
    params,
    storage,
    cacheDType,
  } = await openCausalModel(files, options);
  const lowering: LowerOptions = {
    disable: [...new Set([...attention, ...disable_passes])],
    quantize: dtype && QUANTIZATION[dtype],
  };
  const weights = engine.createWeights(
    weightSource({ checkpoint, params, storage }, options.progress_callback),
  );
  const runtime = createRuntime({ engine, model: graph, storage, cacheDType, weights, lowering, buckets });
  const model: CausalLM = {
    config,
    generation_config,
    device: engine.name,
    runtime,
    forward: compilable("forward", () => (inputs: ModelInputs) => forward(runtime, inputs)),
    generate: compilable("generate", () => async (inputs: ModelInputs, given?: GenerationOptions) => {
      const steps = model.stream(inputs, given);
      for (;;) {
        const { done, value } = await steps.next();
        if (done) return value;
      }
    }),
    stream(inputs, given = {}) {
      const settings = joined(settingsOf(model.forward, "forward"), settingsOf(model.generate, "generate"));
      return generateSteps(runtime, inputs, given, generation_config, settings);
    },
    load: () => load(runtime),
    warmup: (sizes) => warmup(runtime, sizes),
    async dispose() {
      runtime.dispose();
      await checkpoint.close();
      if (owns_engine) engine.dispose();
    },
  };
  return model;
}

function choose<V>(option: string, value: string, table: Readonly<Record<string, V>>): V {
  if (!Object.hasOwn(table, value))
    throw new FusewireError(
      `${option} '${value}' is not supported; choose one of ${Object.keys(table).join(", ")}`,
    );
  return table[value]!;
}
