import { type ModelFiles, readGenerationConfig } from "@fusewire/models";
import {
  type Buckets,
  DEFAULT_BUCKETS,
  type Engine,
  type LowerOptions,
  type OptionalPass,
} from "@fusewire/passes";
import { type AttentionImplementation, checkImplementation, chooseAttention } from "./attention/choose.ts";
import { currentScope } from "./attention/scope.ts";
import { vocabularyOf } from "./candidates/same_tokenizer.ts";
import { autotune } from "./compile/autotune.ts";
import { compilable, settingsOf } from "./compile/compile.ts";
import { joined } from "./compile/settings.ts";
import type { CacheDTypeName, WeightDType } from "./dtypes.ts";
import { sourceElsewhere } from "./elsewhere.ts";
import { type ForwardOptions, type ForwardResult, forward } from "./forward.ts";
import type { ForwardInputs } from "./forward_inputs.ts";
import { type GenerateInputs, generateSteps } from "./generate.ts";
import type { ModelConfig } from "./model_config.ts";
import { openCausalModel } from "./open_model.ts";
import type { GenerationConfig, GenerationOptions } from "./options/index.ts";
import type { GenerationResult } from "./result.ts";
import { createRuntime, type Runtime } from "./runtime.ts";
import type { GenerationStep } from "./step.ts";
import { load, type WarmupSizes, warmup } from "./warmup.ts";
import { countProgress, type LoadProgress, weightSource } from "./weights.ts";

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
  readonly config: ModelConfig;
  /** How weights are kept: what was asked for, or with `dtype: "auto"` as the embedding is stored. */
  readonly dtype: Exclude<WeightDType, "auto">;
  /** What the checkpoint's files say otherwise than one would think, and which are not kept for the next visit: a sentence each. */
  readonly notices: readonly string[];
  /** The checkpoint's defaults for generate(); may be changed, and is checked with each call. */
  readonly generation_config: GenerationConfig;
  readonly device: string;
  readonly runtime: Runtime;
  /** Scores after every token; see `forward`. May be set to `compile(model.forward, …)`. */
  forward: (inputs: ForwardInputs & ForwardOptions, options?: ForwardOptions) => Promise<ForwardResult>;
  /** Generates to the end and returns sequences and stats. May be set to `compile(model.generate, …)`. */
  generate: (inputs: GenerateInputs, options?: GenerationOptions) => Promise<GenerationResult>;
  /** Generates step by step, as `generate` is compiled; the return value is what `generate` would have returned. */
  readonly stream: (
    inputs: GenerateInputs,
    options?: GenerationOptions,
  ) => AsyncGenerator<GenerationStep, GenerationResult>;
  /** Sets how attention is computed from now on (Hugging Face set_attention_implementation). */
  set_attention_implementation(name: AttentionImplementation): void;
  /** Reads the weights now, and not when the first program needs them. */
  load(): Promise<void>;
  /** Compiles every program that generate() needs for batches and lengths of this size, greedy and sampled. */
  warmup(sizes?: WarmupSizes): Promise<void>;
  /**
   * After the device was lost (errors with `fault: "lost"`): opens another one, on which this model works again.
   * Weights are read and programs compiled when they are needed; what caches held is forgotten, and computed again
   * from the texts that are given. Does nothing where nothing was lost.
   */
  restore(): Promise<void>;
  /** Frees the model's weights and caches on the engine. */
  dispose(): Promise<void>;
}

/** Loads a causal language model onto an engine. Weights are read when the first program needs them. */
export async function loadCausalLM(files: ModelFiles, options: LoadOptions): Promise<CausalLM> {
  const {
    engine,
    owns_engine = false,
    attn_implementation = "sdpa",
    disable_passes = [],
    buckets = DEFAULT_BUCKETS,
  } = options;
  let implementation = checkImplementation(attn_implementation, engine);
  const generation_config: GenerationConfig = { ...(await readGenerationConfig(files)) };
  const {
    config,
    model: graph,
    checkpoint,
    stored,
    notices,
    dtype,
    params,
    cacheDType,
    quantize,
  } = await openCausalModel(files, { ...options, compare_heads: true });
  const lowering: LowerOptions = { disable: disable_passes, quantize };
  const onRead = countProgress(params, options.progress_callback);
  const elsewhere = sourceElsewhere(files, options.dtype, onRead);
  const source = weightSource(params, onRead);
  const weights = engine.createWeights(Object.assign(source, { elsewhere }));
  const runtime = createRuntime({
    ...{ engine, model: graph, stored, cacheDType, weights, lowering, buckets },
    vocabulary: vocabularyOf(files),
  });
  let tuning: Promise<unknown> | undefined;
  /** `generateSteps`, with the kernels chosen before the first of them where that was asked for. */
  async function* tunedSteps(...given: Parameters<typeof generateSteps>): ReturnType<typeof generateSteps> {
    const settings = given[4];
    if (settings.autotune) {
      tuning ??= autotune(runtime).catch((error: unknown) => {
        tuning = undefined;
        throw error;
      });
      await tuning;
    }
    return yield* generateSteps(...given);
  }
  /** The model with programs that attend as it was told to, and as scopes around this call allow. */
  const attending = () => runtime.attending(chooseAttention(implementation, currentScope(), engine));
  const model: CausalLM = {
    config,
    dtype,
    get notices() {
      return [...notices, ...(files.notices?.() ?? [])];
    },
    generation_config,
    device: engine.name,
    runtime,
    forward: compilable(
      "forward",
      () => (inputs: ForwardInputs & ForwardOptions, given?: ForwardOptions) =>
        forward(attending(), inputs, given),
    ),
    generate: compilable("generate", () => async (inputs: GenerateInputs, given?: GenerationOptions) => {
      const steps = model.stream(inputs, given);
      for (;;) {
        const { done, value } = await steps.next();
        if (done) return value;
      }
    }),
    stream(inputs, given = {}) {
      const settings = joined(settingsOf(model.forward, "forward"), settingsOf(model.generate, "generate"));
      return tunedSteps(attending(), inputs, given, generation_config, settings);
    },
    set_attention_implementation(name) {
      implementation = checkImplementation(name, engine);
    },
    load: () => load(attending()),
    warmup: (sizes) => warmup(attending(), sizes),
    restore: async () => engine.restore?.(),
    async dispose() {
      runtime.dispose();
      await Promise.all([checkpoint.close(), elsewhere.close()]);
      if (owns_engine) await engine.dispose();
    },
  };
  return model;
}
