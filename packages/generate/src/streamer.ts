import { FusewireError } from "@fusewire/ir";
import type { GenerationStep } from "./step.ts";

/** Takes the tokens of one text as they are made, first those of the prompt (Hugging Face BaseStreamer). */
export interface Streamer {
  put(ids: readonly number[]): void;
  /** There are no more; also where generation stopped or failed. */
  end(): void;
}

/** The steps, which a streamer is told on the way. */
export async function* streamed(
  steps: AsyncGenerator<GenerationStep>,
  streamer: Streamer | undefined,
  prompts: readonly (readonly number[])[],
): AsyncGenerator<GenerationStep> {
  if (!streamer) return yield* steps;
  if (prompts.length > 1)
    throw new FusewireError(
      `streamer takes one text, and input_ids has ${prompts.length} rows; give one row, or read model.stream`,
    );
  streamer.put(prompts[0]!);
  for await (const step of steps) {
    const ids = step.tokens.filter((token) => token !== undefined);
    if (ids.length > 0) streamer.put(ids);
    yield step;
  }
}
