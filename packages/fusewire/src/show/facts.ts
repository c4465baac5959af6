import {
  type CacheDTypeName,
  memorySource,
  openCausalModel,
  standardSelection,
  traceEntry,
} from "@fusewire/generate";
import { bytesOf, FusewireError, type Module, NodeTable, paramsOf, sizeOf } from "@fusewire/ir";
import {
  type Checkpoint,
  type GenerationDefaults,
  type JsonObject,
  loadTokenizer,
  type ModelFiles,
  openCheckpoint,
  type RawConfig,
  readConfig,
  readGenerationConfig,
  type Tokenizer,
} from "@fusewire/models";
import { DEFAULT_BUCKETS } from "@fusewire/passes";
import type { DeviceRoom } from "../memory/devices.ts";
import { COMPARED, type MemoryRow, memoryRows } from "../memory/table.ts";

/** A part of a model that cannot be told, and why. */
export interface Refusal {
  readonly refused: string;
}

/** What a model is, from its configuration and the headers of its weights. */
export interface ModelFacts {
  readonly location: string;
  /** Whether Fusewire runs it, or why it does not. */
  readonly support: { readonly supported: true } | ({ readonly supported: false } & Refusal);
  readonly config: ConfigFacts;
  readonly weights: WeightFacts | Refusal;
  readonly tokenizer: TokenizerFacts | Refusal;
  readonly generation: GenerationDefaults | Refusal;
  /** Absent where Fusewire does not run the model. */
  readonly memory?: MemoryFacts;
}

export interface ConfigFacts {
  readonly architecture: string;
  readonly layers?: number;
  readonly width?: number;
  readonly inner?: number;
  readonly heads?: number;
  readonly key_value_heads?: number;
  readonly vocabulary?: number;
  readonly positions?: number;
  /** Tokens that layers with a sliding window see. */
  readonly window?: number;
  readonly rope?: string;
}

export interface WeightFacts {
  readonly parameters: number;
  readonly bytes: number;
  readonly tensors: number;
  /** By dtype. Dtypes that cannot be read are counted as `other`. */
  readonly dtypes: Readonly<Record<string, { tensors: number; parameters: number; bytes: number }>>;
}

export interface TokenizerFacts {
  readonly tokens: number;
  readonly special: Readonly<Record<string, { readonly token: string; readonly id: number | undefined }>>;
  /** Special tokens without a role. */
  readonly other: readonly string[];
  readonly chat_template: Tokenizer["chat_template"] | null;
}

export interface MemoryFacts {
  /** As they are stored, and as 32-bit floats. */
  readonly weights: number;
  readonly weights_float32: number;
  /** The longest sequence. */
  readonly positions: number;
  /** One sequence of a thousand tokens, or of all positions where those are fewer. */
  readonly cache_per_1000_tokens: number;
  readonly cache_full: number;
  /** What each way to keep weights takes on each device that was named. */
  readonly fits: readonly MemoryRow[];
}

/** What to count memory for. */
export interface MemoryQuestion {
  readonly cacheDType?: CacheDTypeName | undefined;
  /** Tokens of one row, 2048 unless given. */
  readonly context?: number | undefined;
  readonly devices?: readonly DeviceRoom[];
}

/** Reads everything but weights. What is broken or not supported is told in its place. */
export async function readFacts(files: ModelFiles, asked: MemoryQuestion = {}): Promise<ModelFacts> {
  const config = await readConfig(files);
  const run = await orRefusal(() => readMemory(files, asked));
  return {
    location: files.location,
    support: "refused" in run ? { supported: false, ...run } : { supported: true },
    config: configFacts(config),
    weights: await orRefusal(() => readWeights(files, "refused" in run ? undefined : run.used)),
    tokenizer: await orRefusal(() => readTokenizer(files)),
    generation: await orRefusal(() => readGenerationConfig(files)),
    ...(!("refused" in run) && { memory: run.memory }),
  };
}

async function orRefusal<T extends object>(read: () => Promise<T>): Promise<T | Refusal> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof FusewireError) return { refused: error.message };
    throw error;
  }
}

function configFacts({ modelType, architectures, values }: RawConfig): ConfigFacts {
  const number = (...keys: string[]) =>
    keys.map((key) => values[key]).find((value) => typeof value === "number");
  const heads = number("num_attention_heads", "n_head");
  const window = values.use_sliding_window === false ? undefined : number("sliding_window");
  const rope = ropeOf(values);
  const facts = {
    layers: number("num_hidden_layers", "n_layer"),
    width: number("hidden_size", "n_embd"),
    inner: number("intermediate_size", "ffn_dim", "n_inner"),
    heads,
    key_value_heads: number("num_key_value_heads") ?? heads,
    vocabulary: number("vocab_size"),
    positions: number("max_position_embeddings", "n_positions"),
    window,
    rope,
  };
  return { architecture: architectures[0] ?? modelType, ...withoutUndefined(facts) };
}

/** The name of a scaling of positions, where there is one. */
function ropeOf({ rope_scaling, rope_parameters }: JsonObject): string | undefined {
  const type = [rope_parameters, rope_scaling]
    .map((value) => (value as JsonObject | null | undefined) ?? {})
    .map(({ rope_type, type }) => rope_type ?? type)
    .find((value) => value !== undefined);
  return typeof type === "string" && type !== "default" ? type : undefined;
}

const withoutUndefined = <T extends object>(record: T): { [K in keyof T]?: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };

/** Counts tensors; of a model that runs only those that it uses, for a tied head is often stored as well. */
async function readWeights(files: ModelFiles, used: ReadonlySet<string> | undefined): Promise<WeightFacts> {
  const checkpoint = await openCheckpoint(files);
  try {
    const dtypes: Record<string, { tensors: number; parameters: number; bytes: number }> = {};
    for (const name of checkpoint.names().filter((one) => used?.has(one) ?? true)) {
      const type = typeOf(checkpoint, name);
      dtypes[type?.dtype ?? "other"] ??= { tensors: 0, parameters: 0, bytes: 0 };
      const row = dtypes[type?.dtype ?? "other"]!;
      row.tensors += 1;
      row.parameters += type ? sizeOf(type.shape) : 0;
      row.bytes += type ? bytesOf(type) : 0;
    }
    const sum = (key: "tensors" | "parameters" | "bytes") =>
      Object.values(dtypes).reduce((all, row) => all + row[key], 0);
    return { parameters: sum("parameters"), bytes: sum("bytes"), tensors: sum("tensors"), dtypes };
  } finally {
    await checkpoint.close();
  }
}

function typeOf(checkpoint: Checkpoint, name: string) {
  try {
    return checkpoint.type(name);
  } catch (error) {
    if (error instanceof FusewireError) return undefined;
    throw error;
  }
}

/** The memory that the model's own programs ask for, and the weights that they use. */
async function readMemory(
  files: ModelFiles,
  { cacheDType: cache_dtype, context = 2048, devices = [] }: MemoryQuestion,
): Promise<{ memory: MemoryFacts; used: ReadonlySet<string> }> {
  const opened = await openCausalModel(files, { cache_dtype });
  const { model, stored, weights, cacheDType, checkpoint } = opened;
  await checkpoint.close();
  const table = new NodeTable();
  const trace = (capacity: number): Module =>
    traceEntry(
      { kind: "decode", batch: 1, rows: 1, capacity, selection: standardSelection(false), eosCount: 1 },
      { model, stored, cacheDType, longestStep: DEFAULT_BUCKETS.chunk.at(-1)! },
      table,
    );
  const cacheBytes = ({ states }: Module): number => states.reduce((sum, { type }) => sum + bytesOf(type), 0);
  const some = trace(Math.min(1000, model.maxPositions));
  const params = [...paramsOf(some).values()];
  return {
    memory: {
      weights: params.reduce((sum, type) => sum + bytesOf(type), 0),
      weights_float32: params.reduce((sum, { shape }) => sum + 4 * sizeOf(shape), 0),
      positions: model.maxPositions,
      cache_per_1000_tokens: cacheBytes(some),
      cache_full: cacheBytes(trace(model.maxPositions)),
      fits: memoryRows(
        memorySource(opened),
        COMPARED,
        { context: Math.min(context, model.maxPositions) },
        devices,
      ),
    },
    used: new Set([...weights.values()].flatMap(({ tensors }) => tensors)),
  };
}

const ROLES = ["bos", "eos", "pad", "unk"] as const;

async function readTokenizer(files: ModelFiles): Promise<TokenizerFacts> {
  const tokenizer = await loadTokenizer(files);
  const special: Record<string, { token: string; id: number | undefined }> = {};
  for (const role of ROLES) {
    const token = tokenizer[`${role}_token`];
    if (token !== undefined) special[role] = { token, id: tokenizer[`${role}_token_id`] };
  }
  const named = Object.values(special).map(({ token }) => token);
  return {
    tokens: tokenizer.size_with_added_tokens,
    special,
    other: tokenizer.all_special_tokens.filter((token) => !named.includes(token)),
    chat_template: tokenizer.chat_template ?? null,
  };
}
