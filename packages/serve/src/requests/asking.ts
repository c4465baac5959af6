import type { GenerationOptions } from "@fusewire/generate";
import type { AnswerEnd } from "../answer/answer.ts";
import type { BatchedText } from "../batch/batch.ts";
import type { ServedModel } from "../served_model.ts";

/** A prompt of a request. */
export interface Prompt {
  readonly tokens: readonly number[];
  readonly options: GenerationOptions;
  /** Who asks, beside the key. */
  readonly user: string | undefined;
}

/** One request: its name, and its way to the batch. */
export interface Asking {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  /** Hands its prompts to the batch, for its tenant and until its client goes away: all of them, or none. */
  submit(served: ServedModel, prompts: readonly Prompt[]): Promise<BatchedText[]>;
  /** Is told what the answers took. */
  finished(ends: readonly AnswerEnd[]): void;
}
