import type { SpeculationStats } from "./candidates/gain.ts";

/** A run of the passes for one program. */
export interface Compilation {
  readonly entry: string;
  readonly reason: string;
}

/** One verification of drafted tokens, over all rows; both 0 where nothing was drafted. */
export interface Round {
  readonly drafted: number;
  readonly accepted: number;
}

/** What a generation did; see `generate`. */
export interface GenerationStats {
  readonly device: string;
  /** What the engine has to say of how it runs here, such as "1 of 8 threads: …". */
  readonly device_notice?: string;
  /** Options that were given and had no effect: a sentence each. */
  readonly notices?: readonly string[];
  /** The engine's set of kernels, where it has several. */
  readonly kernels?: string;
  /** Real tokens of all rows. */
  readonly prompt_tokens: number;
  /** Those of them that a cache held already, so that nothing was computed for them. */
  readonly cached_tokens: number;
  /** Tokens generated over all rows, pads not counted. */
  readonly new_tokens: number;
  readonly time_to_first_token_ms: number;
  /** New tokens a second after the first step, over all rows. */
  readonly tokens_per_second: number;
  /** Milliseconds from the start to each step that gave tokens, as they reached the host. */
  readonly token_times_ms: readonly number[];
  /** Kernels started. */
  readonly launches: number;
  /** Runs handed to the engine. */
  readonly submits: number;
  /** Verifications of drafted tokens, in order; none without speculation. */
  readonly rounds: readonly Round[];
  /** Of `speculation: "auto"`: whether drafting paid. */
  readonly speculation?: SpeculationStats;
  /** Since the generation before, loading and warm-up included. */
  readonly compilations: readonly Compilation[];
  /** Bytes the engine holds: weights, caches and constants. */
  readonly bytes: number;
  /** Processors in JavaScript, for which scores left the device with every step. */
  readonly host_processors?: number;
  /** The seed that was used, where tokens were sampled. */
  readonly seed?: number | readonly number[];
}
