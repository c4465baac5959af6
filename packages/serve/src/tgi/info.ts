import type { AnswerEnd } from "../answer/answer.ts";
import type { Failure } from "../http/errors.ts";
import type { ServedModel } from "../served_model.ts";
import { MOST_STOPS, readTgi } from "./fields.ts";

/** The class that TGI's clients know an error by. */
const KINDS: Readonly<Partial<Record<Failure["status"], string>>> = {
  400: "validation",
  413: "validation",
  429: "overloaded",
  503: "unhealthy",
};

/** An error in TGI's form: what is wrong with a request is 422 there, with words of its own. */
export function tgiError({ status, message }: Failure) {
  const invalid = status === 400;
  return {
    status: invalid ? 422 : status,
    body: {
      error: invalid
        ? `Input validation error: ${message}`
        : status === 429
          ? "Model is overloaded"
          : message,
      error_type: KINDS[status] ?? "generation",
    },
  } as const;
}

/** GET /info */
export const tgiInfo = ({ id, batcher }: ServedModel) => ({
  model_id: id,
  model_pipeline_tag: "text-generation",
  max_concurrent_requests: batcher.load().slots,
  max_best_of: 1,
  max_stop_sequences: MOST_STOPS,
  max_input_tokens: batcher.max_length - 1,
  max_total_tokens: batcher.max_length,
  router: "fusewire",
});

/** POST /tokenize: each token with the part of the text that it stands for. */
export function tgiTokens(body: unknown, { tokenizer }: ServedModel) {
  const { inputs } = readTgi(body);
  const { input_ids, offset_mapping } = tokenizer([inputs], { return_offsets_mapping: true });
  return input_ids[0]!.map((id, i) => {
    const [start, stop] = offset_mapping![0]![i]!;
    return { id, text: tokenizer.decode([id]), start, stop };
  });
}

/** What an answer took, in TGI's headers: milliseconds and tokens. */
export function tgiHeaders(end: AnswerEnd): Record<string, string> {
  const { prompt_tokens, new_tokens, queue_ms, prefill_ms, decode_ms } = end;
  const inference = prefill_ms + decode_ms;
  const whole = (value: number) => String(Math.round(value));
  return {
    "x-prompt-tokens": String(prompt_tokens),
    "x-generated-tokens": String(new_tokens),
    "x-total-time": whole(queue_ms + inference),
    "x-queue-time": whole(queue_ms),
    "x-inference-time": whole(inference),
    "x-time-per-token": whole(inference / Math.max(1, new_tokens)),
  };
}
