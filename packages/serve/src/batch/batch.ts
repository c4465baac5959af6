import type { GenerationOptions, SlotStep } from "@fusewire/generate";
import { FusewireError } from "@fusewire/ir";

/** A text to go on with. */
export interface BatchRequest {
  readonly tokens: readonly number[];
  /** Options of generate(), as far as a row of a running batch can have them. */
  readonly options: GenerationOptions;
  /**
   * Whose it is. Tenants share the slots fairly, and none takes up what another's text left in a slot, for the time that
   * it then takes would tell what the text was.
   */
  readonly tenant?: string;
  /** Ends it, wherever it is: waiting, in its prompt, or between two tokens. */
  readonly signal?: AbortSignal;
}

/** What a text has taken so far. */
export interface BatchCounts {
  /** Tokens of the prompt, and of those the ones whose keys and values were there. */
  readonly prompt_tokens: number;
  readonly cached_tokens: number;
  readonly new_tokens: number;
  /** Milliseconds until a slot was free, from then to the first token, and from then to the last. */
  readonly queue_ms: number;
  readonly prefill_ms: number;
  readonly decode_ms: number;
}

/** A token of a text. */
export interface BatchStep extends Omit<SlotStep, "done"> {
  readonly counts: BatchCounts;
  /** Set on the last one. */
  readonly finish?: BatchEnd["finish"];
}

/** What came of a text: it ended by an end token, or at the length that it was given. */
export interface BatchEnd extends BatchCounts {
  readonly finish: "stop" | "length";
}

/** The tokens of one text as they are made. Leaving early frees its slot before the next step. */
export type BatchedText = AsyncGenerator<BatchStep, BatchEnd>;

/** How much the batch has to do at this moment. */
export interface BatchLoad {
  readonly running: number;
  readonly waiting: number;
  readonly slots: number;
  /** Share of all slots' tokens that running texts hold, 0 to 1. */
  readonly cache_usage: number;
  /** Programs that the model has compiled so far; none while texts run. */
  readonly compilations: number;
}

/** A running batch of one model, which texts join and leave between two steps. */
export interface Batcher {
  /** Takes a text, or is rejected with an `Overloaded`: nothing waits behind a full queue. */
  submit(request: BatchRequest): Promise<BatchedText>;
  load(): BatchLoad;
  /** Tokens that a text may have, prompt and new ones together. */
  readonly max_length: number;
  /** Resolves when nothing runs or waits. */
  idle(): Promise<void>;
  /** Ends all texts with an error and frees the slots; the model stays. */
  dispose(): Promise<void>;
}

export interface BatcherOptions {
  /** Texts that run at once; 8 unless given. */
  readonly slots?: number;
  /** Texts that may wait beside them; as many as slots unless given. */
  readonly queue?: number;
  /** Tokens of a text at most; what the model can hold, or 2,048, unless given. */
  readonly max_length?: number;
}

/** More texts than slots and queue hold. */
export class Overloaded extends FusewireError {
  /** Seconds until a place is likely to be free, by how long texts have taken. */
  readonly retry_after: number;
  readonly texts: number;

  constructor(texts: number, retry_after: number) {
    super(`the model is overloaded: ${texts} texts run or wait already; try again in ${retry_after} s`);
    this.retry_after = retry_after;
    this.texts = texts;
  }
}
