import type { CausalLM, GenerationOptions, GenerationResult } from "@fusewire/generate";
import { FusewireError } from "@fusewire/ir";
import { type ChatMessage, createTextStream, type Tokenizer } from "@fusewire/models";
import { chatInputs, endsOfTurns, isChat } from "./chat_prompt.ts";

/** The new text of a generation, piece by piece, and what `model.generate` would have returned. */
export interface TextGeneration extends AsyncGenerator<string, GenerationResult> {
  /**
   * The result with its stats, for who reads the text by `for await`. Rejected where the generation failed, or was left
   * before its end.
   */
  readonly result: Promise<GenerationResult>;
}

/** What a text goes on from: text, its tokens, or a conversation, which the tokenizer's chat template writes. */
export type TextPrompt = string | readonly number[] | readonly ChatMessage[];

/**
 * Generates from one prompt and yields the new text as it becomes final: whole words, never half a character. Nothing
 * is computed before the first piece is asked for; leaving early, by `break` or `return`, ends the generation and frees
 * its cache.
 */
export function streamText(
  model: CausalLM,
  tokenizer: Tokenizer,
  prompt: TextPrompt,
  options: GenerationOptions = {},
): TextGeneration {
  const { promise, resolve, reject } = deferred<GenerationResult>();
  // Who never asks for the result is not told of its failure by the process.
  promise.catch(() => undefined);
  const left = new FusewireError("the text was left before its end, so there is no result");
  const leaving = new AbortController();
  const signals = [leaving.signal, ...(options.signal ? [options.signal] : [])];
  const pieces = textPieces(model, tokenizer, prompt, { ...options, signal: AbortSignal.any(signals) });
  async function* told(): AsyncGenerator<string, GenerationResult> {
    try {
      const result = yield* pieces;
      resolve(result);
      return result;
    } catch (error) {
      reject(error);
      throw error;
    } finally {
      reject(left);
    }
  }
  const stream = told();
  const end = stream.return.bind(stream);
  return Object.assign(stream, {
    result: promise,
    /** Ends the step under way too, where one is awaited, and a generation that has not begun. */
    return(value: GenerationResult | PromiseLike<GenerationResult>) {
      leaving.abort(left);
      reject(left);
      return end(value);
    },
  });
}

async function* textPieces(
  model: CausalLM,
  tokenizer: Tokenizer,
  prompt: TextPrompt,
  options: GenerationOptions,
): AsyncGenerator<string, GenerationResult> {
  const { input_ids, ends } = readPrompt(model, tokenizer, prompt);
  if (input_ids[0]?.length === 0)
    throw new FusewireError("the prompt is empty; give it at least one token of text");
  if ((options.num_return_sequences ?? 1) > 1)
    throw new FusewireError(
      "streamText yields one text; call model.generate where num_return_sequences is above 1",
    );
  const text = createTextStream(tokenizer, { skip_special_tokens: true });
  const steps = model.stream({ input_ids }, { ...ends, ...options });
  try {
    for (;;) {
      const { done, value } = await steps.next();
      const piece = done ? text.end() : text.push(value.tokens.filter((token) => token !== undefined));
      if (piece !== "") yield piece;
      if (done) return value;
    }
  } finally {
    // Whoever leaves early leaves the generation under way: it must give back its cache.
    await steps.return(undefined as never);
  }
}

/** The prompt's tokens; a conversation also ends where a turn does. */
function readPrompt(
  model: CausalLM,
  tokenizer: Tokenizer,
  prompt: TextPrompt,
): { readonly input_ids: readonly (readonly number[])[]; readonly ends?: GenerationOptions } {
  if (typeof prompt === "string") return { input_ids: [tokenizer.encode(prompt)] };
  if (!isChat(prompt)) return { input_ids: [prompt as readonly number[]] };
  return {
    input_ids: chatInputs(tokenizer, [prompt]).input_ids,
    ends: { eos_token_id: endsOfTurns(model, tokenizer) },
  };
}

/** Promise.withResolvers, which Node 20 lacks. */
function deferred<T>() {
  let [resolve, reject]: [(value: T) => void, (reason: unknown) => void] = [() => undefined, () => undefined];
  const promise = new Promise<T>((one, other) => {
    [resolve, reject] = [one, other];
  });
  return { promise, resolve, reject };
}
