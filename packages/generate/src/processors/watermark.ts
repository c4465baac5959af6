import { FusewireError } from "@fusewire/ir";
import type { HostProcessor } from "./host.ts";
import { mersenneTwister } from "./mersenne_twister.ts";

/** Hugging Face's WatermarkingConfig (Kirchenbauer et al. 2023, arXiv 2306.04634). */
export interface WatermarkingConfig {
  /** The share of the vocabulary that each step favours; 0.25 unless given. */
  readonly greenlist_ratio?: number;
  /** What is added to the scores of those tokens; 2 unless given. */
  readonly bias?: number;
  /** The secret by which a detector finds the watermark; 15485863 unless given. */
  readonly hashing_key?: number;
  /** Only `lefthash`, where the token before decides, is built. */
  readonly seeding_scheme?: "lefthash" | "selfhash";
  /** Texts shorter than this are not marked yet; 1 unless given. */
  readonly context_width?: number;
}

/** Whether a value is a configuration that can be met. */
export function isWatermark(value: unknown): value is WatermarkingConfig {
  if (typeof value !== "object" || value === null) return false;
  const {
    greenlist_ratio = 0.25,
    bias = 2,
    hashing_key = 1,
    context_width = 1,
  } = value as WatermarkingConfig;
  return (
    greenlist_ratio > 0 &&
    greenlist_ratio < 1 &&
    Number.isFinite(bias) &&
    Number.isSafeInteger(hashing_key) &&
    hashing_key >= 0 &&
    Number.isSafeInteger(context_width)
  );
}

/**
 * Adds a bias to the scores of tokens that the token before chooses (WatermarkLogitsProcessor). The choice is that of
 * `torch.randperm` on a CPU, so that Hugging Face's detector finds it. Comes after all other processing of scores.
 */
export function watermarkProcessor(config: WatermarkingConfig): HostProcessor {
  const {
    greenlist_ratio = 0.25,
    bias = 2,
    hashing_key = 15485863,
    seeding_scheme = "lefthash",
    context_width = 1,
  } = config;
  if (seeding_scheme !== "lefthash")
    throw new FusewireError(
      `watermarking_config: seeding_scheme '${seeding_scheme}' is not built; use 'lefthash', or leave watermarking_config out`,
    );
  return {
    before: "renormalize_logits",
    apply: (input_ids, scores) =>
      scores.map((row, b) => {
        const ids = input_ids[b]!;
        if (ids.length < context_width) return row;
        const seed = BigInt(hashing_key) * BigInt(ids.at(-1)!);
        for (const id of firstOfPermutation(row.length, Math.floor(row.length * greenlist_ratio), seed))
          row[id] = Math.fround(row[id]! + bias);
        return row;
      }),
  };
}

/** The first `count` numbers of `torch.randperm(size)` with this seed. */
function firstOfPermutation(size: number, count: number, seed: bigint): Uint32Array {
  // torch keeps 64 bits of a seed, of which its generator on the CPU takes 32.
  const random = mersenneTwister(Number((seed % (2n ** 64n - 1n)) & 0xffffffffn));
  const order = Uint32Array.from({ length: size }, (_, i) => i);
  for (let i = 0; i < Math.min(count, size - 1); i++) {
    const other = i + (random() % (size - i));
    const first = order[i]!;
    order[i] = order[other]!;
    order[other] = first;
  }
  return order.subarray(0, count);
}
