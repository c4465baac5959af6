import { FusewireError, hash32, toValue, type Value } from "@fusewire/ir";
import { batchBucket, type Chunk, chunkBucket, cutChunks } from "@fusewire/passes";
import { ownCacheSize } from "./cache/implementation.ts";
import type { CompileSettings } from "./compile/settings.ts";
import type { CacheSize } from "./entries/context.ts";
import type { DraftKind, EntryKey } from "./entries/index.ts";
import type { Guidance, ResolvedOptions } from "./options/index.ts";
import { beyondPositions } from "./positions.ts";
import { checkIds } from "./processors/check_ids.ts";
import { perRow, roomFor } from "./processors/encode.ts";
import { type Rows, toRows } from "./rows.ts";
import type { Runtime } from "./runtime.ts";
import { type EncodedSelection, selectionFor } from "./selection.ts";
import { stopTables } from "./stopping/stop_tables.ts";

/** A program and the data it takes in this run. */
export interface Call<K extends EntryKey = EntryKey> {
  readonly key: K;
  readonly inputs: Readonly<Record<string, Value>>;
}

/** Everything that is decided before the first program runs. */
export interface RunPlan {
  readonly rows: readonly (readonly number[])[];
  readonly batch: number;
  readonly cache: CacheSize;
  /** Tokens of each row whose keys and values are in the cache already. */
  readonly cached: readonly number[];
  readonly chunks: readonly Chunk[];
  /** Prompts beside which each row is decoded, in the cache rows that `otherRows` says. */
  readonly others: readonly (readonly number[])[];
  /** The size of chunk that holds this many tokens. */
  readonly chunkFor: (tokens: number) => number;
  /** Length at which each row ends. */
  readonly limits: readonly number[];
  readonly decode: Call<Extract<EntryKey, { readonly kind: "decode" }>>;
  /** The verification of up to `length` - 1 drafts a row, but for the drafts. */
  readonly verify: (length: number, drafts: DraftKind) => Call;
  /** The processors that apply without sampling too, at `places` places of one row. */
  readonly processorsOf: (row: number, places: number) => EncodedSelection;
  readonly seed: number | readonly number[];
  readonly options: ResolvedOptions;
  /** What its caller should know of: a sentence each. */
  readonly notices: readonly string[];
  readonly settings: CompileSettings;
}

/** A cache with what it holds of the prompts. */
export interface Past {
  readonly cached: readonly number[];
  /** The size in which it holds so many tokens. */
  readonly size: (tokens: number) => CacheSize;
}

export function planRun(
  runtime: Runtime,
  { rows, width }: Rows,
  options: ResolvedOptions,
  settings: CompileSettings,
  past?: Past,
): RunPlan {
  const { model } = runtime.source;
  checkIds(options.values, model.vocabSize);
  const maxNew = options.maxNewTokens(width, model.maxPositions);
  const batch = batchBucket(rows.length, runtime.buckets);
  const { guidance } = options;
  const others = guidance ? otherPrompts(guidance, rows, model.vocabSize) : [];
  const longest = Math.max(...[...rows, ...others].map((row) => row.length));
  const beyond = beyondPositions(longest, maxNew, model);
  const tokens = longest + maxNew;
  const cache =
    past?.size(tokens) ?? ownCacheSize(runtime, options.ownCache, guidance ? 2 * batch : rows.length, tokens);
  const cached = past?.cached ?? rows.map(() => 0);
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 32);
  if (typeof seed !== "number" && seed.length !== rows.length)
    throw new FusewireError(
      `seed has ${seed.length} values for ${rows.length} rows; give one number, or one a row`,
    );
  const limits = Array.from({ length: batch }, (_, b) => (rows[b]?.length ?? 0) + maxNew);
  const eosCount = eosBucket(options.eos.length);
  const { stopStrings, returns } = options;
  const stops = stopStrings && stopTables(stopStrings.tokenizer, stopStrings.strings, model.vocabSize);
  const ending = { eosCount, ...(stops && { stops: stops.shape }) };
  const common = {
    rows: rowNumbers(batch),
    limit: vector(batch, (b) => limits[b]!),
    eos: toValue(
      { dtype: "i32", shape: [batch, eosCount] },
      Array.from({ length: batch * eosCount }, (_, i) => options.eos[i % eosCount] ?? -1),
    ),
    ...stops?.inputs,
  };
  const forcesFirst = options.values.forced_bos_token_id !== undefined;
  /** Selection at `places` places of each row, which all have the row's options and seed. */
  const selectAt = (places: number) => {
    const rowOf = (place: number) => Math.floor(place / places);
    const context = {
      batch: batch * places,
      eos: options.eos,
      prompts: Array.from({ length: rows.length * places }, (_, place) => rows[rowOf(place)]!.length),
      width,
      forcesFirst,
      maxNew,
    };
    const { selection, inputs } = selectionFor(options.sample, options.values, context);
    const seeds = perRow(batch * places, "u32", (place) => seedOfRow(seed, rowOf(place)));
    return { selection, inputs: { ...common, ...inputs, ...(options.sample && { seed: seeds }) } };
  };
  const { selection, inputs } = selectAt(1);
  // Made once: rounds of a tiny model take less than encoding the options again would.
  const verifications = new Map<string, Call>();
  const verification = (length: number, drafts: DraftKind): Call => {
    const at = selectAt(length);
    const key = {
      kind: "verify",
      batch,
      ...cache,
      length,
      drafts,
      selection: at.selection,
      ...ending,
    } as const;
    return { key, inputs: at.inputs };
  };
  return {
    rows,
    batch,
    cache,
    cached,
    chunks: cutChunks(Math.max(...rows.map((row, b) => row.length - 1 - cached[b]!)), runtime.buckets),
    chunkFor: (tokens) => chunkBucket(tokens, runtime.buckets),
    limits,
    others,
    decode: {
      key: {
        ...{ kind: "decode", batch, ...cache, selection, ...ending },
        ...(returns.length > 0 && { returns }),
        ...(guidance && { guided: true }),
      },
      inputs: {
        ...inputs,
        ...(guidance && {
          other_rows: otherRows(batch),
          guidance_scale: perRow(batch, "f32", () => guidance.scale),
        }),
      },
    },
    verify: (length, drafts) => {
      const name = `${length} ${drafts}`;
      const call = verifications.get(name) ?? verification(length, drafts);
      verifications.set(name, call);
      return call;
    },
    processorsOf: (row, places) =>
      selectionFor(false, options.values, {
        batch: places,
        eos: options.eos,
        prompts: new Array<number>(places).fill(rows[row]!.length),
        width,
        forcesFirst,
        maxNew,
      }),
    seed,
    options,
    notices: beyond === undefined ? options.notices : [...options.notices, beyond],
    settings,
  };
}

/** The prompts that rows are guided away from. */
function otherPrompts(
  { negatives }: Guidance,
  rows: readonly (readonly number[])[],
  vocabSize: number,
): readonly (readonly number[])[] {
  if (!negatives) return rows.map((row) => row.slice(-1));
  const found = toRows(negatives, vocabSize, {
    ids: "negative_prompt_ids",
    mask: "negative_prompt_attention_mask",
  }).rows;
  if (found.length !== rows.length)
    throw new FusewireError(
      `negative_prompt_ids has ${found.length} rows and input_ids ${rows.length}; give one for each prompt`,
    );
  return found;
}

/** Room for end tokens in a program: 8 hold those of every known model. */
export const eosBucket = roomFor;

const seedOfRow = (seed: number | readonly number[], row: number): number =>
  typeof seed === "number" ? rowSeed(seed, row) : (seed[row] ?? 0);

/** The seed of row b where one seed is given for all: hash(seed, b), so that rows differ and do not depend on the batch. */
export const rowSeed = (seed: number, b: number): number => hash32((hash32(seed) ^ b) >>> 0);

/** i32[B] */
export const vector = (batch: number, of: (b: number) => number): Value => perRow(batch, "i32", of);

export const rowNumbers = (batch: number): Value => vector(batch, (b) => b);

/** The cache rows of the texts beside which rows are decoded. */
export const otherRows = (batch: number): Value => vector(batch, (b) => batch + b);
