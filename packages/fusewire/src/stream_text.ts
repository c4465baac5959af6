import type { CausalLM, GenerationOptions, GenerationResult } from "@fusewire/generate";
import { FusewireError } from "@fusewire/ir";
import { createTextStream, type Tokenizer } from "@fusewire/models";

/**
 * Generates from one prompt and yields the new text as it becomes final: whole words, never half a character. The
 * generator's return value is the result of `model.generate`.
 */
export async function* streamText(
  model: CausalLM,
  tokenizer: Tokenizer,
  prompt: string | readonly number[],
  options: GenerationOptions = {},
): AsyncGenerator<string, GenerationResult> {
  const input_ids = [typeof prompt === "string" ? tokenizer.encode(prompt) : prompt];
  if (input_ids[0]?.length === 0)
    throw new FusewireError("the prompt is empty; give it at least one token of text");
  if ((options.num_return_sequences ?? 1) > 1)
    throw new FusewireError(
      "streamText yields one text; call model.generate where num_return_sequences is above 1",
    );
  const text = createTextStream(tokenizer, { skip_special_tokens: true });
  const steps = model.stream({ input_ids }, options);
  for (;;) {
    const { done, value } = await steps.next();
    const piece = done ? text.end() : text.push(value.tokens.filter((token) => token !== undefined));
    if (piece !== "") yield piece;
    if (done) return value;
  }
}
