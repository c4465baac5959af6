import { batchBucket, capacityBucket, cutChunks } from "@fusewire/passes";
import { verifyLengths } from "./candidates/verify_length.ts";
import { STEP_BY_STEP } from "./compile/settings.ts";
import type { CacheSize } from "./entries/context.ts";
import type { EntryKey } from "./entries/index.ts";
import {
  type AssistantModel,
  type GenerationOptions,
  type ResolvedOptions,
  resolveOptions,
} from "./options/index.ts";
import { eosBucket, planRun, type RunPlan } from "./plan.ts";
import type { Runtime } from "./runtime.ts";
import { standardSelection } from "./selection.ts";

/** What to be ready for. */
export interface WarmupSizes {
  /** Rows at once; 1 unless given. */
  readonly batch_size?: number | readonly number[];
  /** Tokens of the longest prompt of a batch; any unless given. */
  readonly prompt_lengths?: readonly number[];
  /** Tokens a row at most, prompt and new ones together; what the smallest cache holds unless given. */
  readonly max_length?: number;
  /** Drafts a round by prompt lookup. */
  readonly prompt_lookup_num_tokens?: number;
  /** A model that drafts as its generation_config says; its programs are compiled too. */
  readonly assistant_model?: AssistantModel;
  /** Stop strings such as will be asked for; others of usual sizes share their programs. */
  readonly stop_strings?: NonNullable<GenerationOptions["stop_strings"]>;
  /** The model's own; with stop_strings. */
  readonly tokenizer?: NonNullable<GenerationOptions["tokenizer"]>;
  /** Also `model.forward`. */
  readonly logits?: boolean;
}

/**
 * Compiles what generate() needs for these sizes: greedy choice and sampling with any options, of prompts of these
 * lengths. Anything beyond (a larger batch bucket, a longer cache, greedy choice after a penalty) compiles when first
 * used.
 */
export async function warmup(runtime: Runtime, sizes: WarmupSizes = {}): Promise<void> {
  const { batch_size = 1, prompt_lookup_num_tokens: lookup, assistant_model, logits = false } = sizes;
  const batches = new Set([batch_size].flat().map((rows) => batchBucket(rows, runtime.buckets)));
  const { stop_strings, tokenizer } = sizes;
  const ends: Choice[] = [{}, ...(stop_strings ? [{ stop_strings, ...(tokenizer && { tokenizer }) }] : [])];
  const choices = [false, true].flatMap((do_sample) => ends.map((end) => ({ do_sample, ...end })));
  for (const batch of batches)
    for (const choice of choices) {
      for (const plan of plansOf(runtime, batch, choice, sizes)) {
        await compileAll(runtime, [
          ...promptKeys(runtime, plan, sizes),
          plan.decode.key,
          ...verifyKeys(plan, lookup ?? 0, "certain"),
          ...(logits ? forwardKeys(runtime, plan, sizes) : []),
        ]);
        if (assistant_model) {
          const { options } = resolved({ ...choice, assistant_model }).assistant!;
          const kind = choice.do_sample ? "sampled" : "certain";
          await compileAll(runtime, verifyKeys(plan, options.numTokens, kind));
        }
      }
      if (assistant_model)
        for (const plan of plansOf(assistant_model.runtime, batch, choice, sizes))
          await compileAll(assistant_model.runtime, [
            ...promptKeys(assistant_model.runtime, plan, sizes),
            ...draftKeys(plan),
          ]);
    }
}

async function compileAll(runtime: Runtime, keys: readonly EntryKey[]): Promise<void> {
  for (const key of keys) await runtime.compile(key);
}

/** The options that programs differ by. */
type Choice = Pick<GenerationOptions, "do_sample" | "assistant_model" | "stop_strings" | "tokenizer">;

const resolved = (choice: Choice): ResolvedOptions =>
  resolveOptions({ max_new_tokens: 1, ...choice }, { eos_token_id: 0 });

/** Generations that between them need a cache of every size up to the longest. */
function plansOf(
  runtime: Runtime,
  batch: number,
  choice: Choice,
  { max_length = 1 }: WarmupSizes,
): RunPlan[] {
  const { buckets, source } = runtime;
  const limit = source.model.maxPositions;
  const longest = capacityBucket(Math.min(max_length, limit), limit, buckets);
  const capacities = [longest];
  for (let size = Math.min(buckets.capacity, limit); size < longest; size = Math.min(2 * size, limit))
    capacities.push(size);
  return capacities.map((capacity) => {
    const row = new Array<number>(capacity - 1).fill(0);
    const rows = new Array<readonly number[]>(batch).fill(row);
    const text = { rows, starts: rows.map(() => 0), width: row.length };
    return planRun(runtime, text, resolved(choice), STEP_BY_STEP);
  });
}

/** The programs through which prompts of these lengths go. */
function promptKeys({ buckets }: Runtime, plan: RunPlan, { prompt_lengths }: WarmupSizes): EntryKey[] {
  // The last token of a prompt is decoded.
  const used = prompt_lengths?.flatMap((length) => cutChunks(length - 1, buckets).map(({ size }) => size));
  return [
    { kind: "begin", ...sizesOf(plan) },
    ...[...new Set(used ?? buckets.chunk)].map(
      (length): EntryKey => ({ kind: "prefill", ...sizesOf(plan), length }),
    ),
  ];
}

/** The verifications of up to `most` drafts a row. */
function verifyKeys(plan: RunPlan, most: number, drafts: Parameters<RunPlan["verify"]>[1]): EntryKey[] {
  return verifyLengths(most).map((length) => plan.verify(length, drafts).key);
}

/** What an assistant runs: its steps, and after each round the token that it had not foreseen. */
const draftKeys = (plan: RunPlan): EntryKey[] => [
  { ...plan.decode.key, kind: "draft" },
  ...[0, 1].map((decoded): EntryKey => ({ kind: "append", ...sizesOf(plan), length: 1, decoded })),
];

function forwardKeys({ buckets }: Runtime, plan: RunPlan, { prompt_lengths }: WarmupSizes): EntryKey[] {
  const used = prompt_lengths?.flatMap((length) => cutChunks(length, buckets).map(({ size }) => size));
  return [1, ...new Set(used ?? buckets.chunk)].map((length) => ({
    kind: "logits",
    ...sizesOf(plan),
    length,
  }));
}

const sizesOf = ({ batch, cache }: RunPlan): CacheSize & { readonly batch: number } => ({ batch, ...cache });

/** Compiles the program that most generations begin with, which reads every weight. */
export async function load(runtime: Runtime): Promise<void> {
  const capacity = capacityBucket(1, runtime.source.model.maxPositions, runtime.buckets);
  const selection = standardSelection(false);
  await runtime.compile({ kind: "decode", batch: 1, rows: 1, capacity, selection, eosCount: eosBucket(1) });
}
