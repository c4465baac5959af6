import type { GenerationOptions } from "@fusewire/generate";
import type { Tokenizer } from "@fusewire/models";
import { type AnswerEnd, answer, type Piece } from "../answer/answer.ts";
import type { Likely } from "../answer/logprobs.ts";
import { InvalidField } from "../fields/field.ts";
import { sseEvent } from "../http/sse.ts";
import type { Asking } from "../requests/asking.ts";
import type { ServedModel } from "../served_model.ts";
import { readTgi, type TgiRequest } from "./fields.ts";

/** An answer of TGI's routes under way. */
export interface TgiAnswer {
  readonly stream: boolean;
  whole(): Promise<{ readonly body: TgiWhole; readonly end: AnswerEnd }>;
  events(): AsyncGenerator<string, void>;
}

interface TgiWhole {
  readonly generated_text: string;
  readonly details?: object;
}

/** Reads a request of /generate, /generate_stream or /, and hands its prompt to the batch. */
export async function tgiAnswer(body: unknown, served: ServedModel, asking: Asking): Promise<TgiAnswer> {
  const request = readTgi(body);
  const { inputs, parameters, stream } = request;
  const { tokenizer, batcher } = served;
  const { truncate, max_new_tokens, stop = [], top_n_tokens = 0, return_full_text = false } = parameters;
  const tokens = tokenizer.encode(inputs).slice(-(truncate ?? 0));
  const most = batcher.max_length;
  if (tokens.length >= most)
    throw new InvalidField(
      `\`inputs\` must have less than ${most} tokens. Given: ${tokens.length}`,
      "inputs",
    );
  if (max_new_tokens !== undefined && tokens.length + max_new_tokens > most)
    throw new InvalidField(
      `\`inputs\` tokens + \`max_new_tokens\` must be <= ${most}. Given: ${tokens.length} \`inputs\` tokens and ${max_new_tokens} \`max_new_tokens\``,
      "max_new_tokens",
    );
  const options = tgiOptions(request, served, max_new_tokens ?? most - tokens.length);
  const [text] = await asking.submit(served, [{ tokens, options, user: undefined }]);
  const pieces = answer(text!, {
    ...{ tokenizer, stop, keepStop: true, top: top_n_tokens, special: false },
  });
  const told = { pieces, request, served, asking, prompt: return_full_text ? inputs : "" };
  return { stream, whole: () => whole(told), events: () => events(told) };
}

function tgiOptions(
  { parameters }: TgiRequest,
  { defaults }: ServedModel,
  maxNewTokens: number,
): GenerationOptions {
  const { do_sample = false, temperature, top_k, top_p, repetition_penalty, seed } = parameters;
  const draws = do_sample || temperature !== undefined || top_k !== undefined || top_p !== undefined;
  return {
    ...{ max_new_tokens: maxNewTokens, output_logits: true, do_sample: draws },
    eos_token_id: [defaults.eos_token_id ?? []].flat(),
    ...(repetition_penalty !== undefined && { repetition_penalty }),
    ...(draws && { temperature: temperature ?? 1, top_k: top_k ?? 0, top_p: top_p ?? 1 }),
    // TGI's seeds have 64 bits.
    ...(draws && seed !== undefined && { seed: seed % 2 ** 32 }),
  };
}

interface Told {
  readonly pieces: AsyncGenerator<Piece, void>;
  readonly request: TgiRequest;
  readonly served: ServedModel;
  readonly asking: Asking;
  /** Text of the prompt that is put before the answer. */
  readonly prompt: string;
}

const REASONS = { eos: "eos_token", stop_string: "stop_sequence", length: "length" } as const;

const tokenOf = ({ token, logprob }: Likely, tokenizer: Tokenizer) => ({
  id: token,
  text: tokenizer.decode([token]),
  logprob,
  special: tokenizer.all_special_ids.includes(token),
});

async function whole({ pieces, request, served: { tokenizer }, asking, prompt }: Told) {
  const { details = false, seed = null, top_n_tokens = 0 } = request.parameters;
  let generated_text = prompt;
  let end: AnswerEnd | undefined;
  const tokens: object[] = [];
  const top_tokens: object[] = [];
  for await (const { text, scored, end: last } of pieces) {
    generated_text += text;
    tokens.push(tokenOf(scored!, tokenizer));
    top_tokens.push(scored!.top.map((one) => tokenOf(one, tokenizer)));
    end = last;
  }
  asking.finished([end!]);
  const told = {
    ...{ finish_reason: REASONS[end!.finish], generated_tokens: end!.new_tokens, seed, prefill: [], tokens },
    ...(top_n_tokens > 0 && { top_tokens }),
  };
  return { body: { generated_text, ...(details && { details: told }) }, end: end! };
}

async function* events({
  pieces,
  request,
  served: { tokenizer },
  asking,
  prompt,
}: Told): AsyncGenerator<string, void> {
  const { details = false, seed = null, top_n_tokens = 0 } = request.parameters;
  let whole = prompt;
  let index = 0;
  for await (const { text, scored, end } of pieces) {
    whole += text;
    index += 1;
    const token = { ...tokenOf(scored!, tokenizer), text };
    const top_tokens = scored!.top.map((one) => tokenOf(one, tokenizer));
    const told = end && {
      ...{ finish_reason: REASONS[end.finish], generated_tokens: end.new_tokens, seed },
      input_length: end.prompt_tokens,
    };
    if (end) asking.finished([end]);
    yield sseEvent({
      ...{ index, token },
      ...(top_n_tokens > 0 && { top_tokens }),
      generated_text: end ? whole : null,
      details: (details && told) || null,
    });
  }
}
