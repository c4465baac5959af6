import type { GenerationOptions } from "@fusewire/generate";
import type { AnswerEnd } from "../answer/answer.ts";
import type { BatchedText } from "../batch/batcher.ts";
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
  /** Hands a prompt to the batch, for the request's tenant and until its client goes away. */
  submit(served: ServedModel, prompt: Prompt): BatchedText;
  /** Is told what the answers took. */
  finished(ends: readonly AnswerEnd[]): void;
}
