import { type AnswerEnd, answer, type Piece } from "../answer/answer.ts";
import type { Scored } from "../answer/logprobs.ts";
import { InvalidField, type Read, readFields } from "../fields/field.ts";
import { boolean, integer, only, prompts, text } from "../fields/kinds.ts";
import { merge } from "../http/merge.ts";
import { sseEvent } from "../http/sse.ts";
import type { Asking } from "../requests/asking.ts";
import { SAMPLING, samplingOptions } from "../requests/sampling.ts";
import { usageOf } from "../requests/usage.ts";
import type { ServedModel } from "../served_model.ts";
import type { Completion } from "./chat.ts";
import { completionLogprobs } from "./logprobs.ts";

/** Names of TGI's parameters, which the client of Hugging Face writes beside OpenAI's. */
const TGI_NAMES = {
  max_new_tokens: integer(1)("TGI's name of max_tokens."),
  do_sample: boolean("TGI: false takes the best token, as temperature 0 does."),
  return_full_text: boolean("TGI's name of echo."),
  details: only([true, false], "")("Ignored: usage and logprobs tell the same."),
  best_of: only([1], "answers are not ranked")("Only 1."),
  decoder_input_details: only([false], "prompts are not scored")("Not built."),
  watermark: only([false], "the server writes no watermark")("Not built."),
};

/** POST /v1/completions */
export const COMPLETION_FIELDS = {
  model: text("The model's name, as /v1/models has it."),
  prompt: prompts("What is gone on with: a text, token ids, or several of either."),
  max_tokens: integer(1)("New tokens at most; 16 unless given."),
  ...SAMPLING,
  logprobs: integer(0, 20)("Returns how likely tokens were, with so many likely ones beside each."),
  echo: boolean("Puts the prompt before the answer."),
  suffix: only([""], "text is only gone on with")("Not built."),
  ...TGI_NAMES,
};

type CompletionRequest = Read<typeof COMPLETION_FIELDS>;

/** OpenAI's default. */
const NEW_TOKENS = 16;

/** Reads the body of a completion request and hands its prompts to the batch. */
export async function completion(body: unknown, served: ServedModel, asking: Asking): Promise<Completion> {
  const request = readFields(body, COMPLETION_FIELDS, ["prompt"]);
  const { n = 1, stop = [], logprobs, stream = false, echo = request.return_full_text ?? false } = request;
  const temperature = request.do_sample === false ? 0 : request.temperature;
  const { batcher, tokenizer, defaults } = served;
  const asked = request.max_tokens ?? request.max_new_tokens ?? NEW_TOKENS;
  const all = promptsOf(request, served);
  const asks = all.flatMap((tokens, p) => {
    const room = batcher.max_length - tokens.length;
    if (asked > room)
      throw new InvalidField(
        `prompt ${p} has ${tokens.length} tokens and max_tokens is ${asked}, together more than the ${batcher.max_length} that the model holds; shorten one of them`,
        "prompt",
      );
    const sampling = { ...request, ...(temperature !== undefined && { temperature }) };
    return Array.from({ length: n }, (_, index) => {
      const options = samplingOptions(sampling, defaults, {
        ...{ maxNewTokens: asked, ends: [defaults.eos_token_id ?? []].flat(), index },
      });
      return { tokens, options: { ...options, output_logits: logprobs !== undefined }, user: request.user };
    });
  });
  const texts = await asking.submit(served, asks);
  const answers = texts.map(
    (text, k): Answering => ({
      prompt: echo ? tokenizer.decode(asks[k]!.tokens, { skip_special_tokens: true }) : "",
      first: k % n === 0,
      pieces: answer(text, { tokenizer, stop: [stop].flat(), top: logprobs, special: false }),
    }),
  );
  return {
    stream,
    whole: () => whole(answers, served, asking),
    events: () => events(answers, served, asking, request.stream_options?.include_usage === true),
  };
}

/** An answer to one prompt. */
interface Answering {
  /** Text of the prompt that is put before it. */
  readonly prompt: string;
  /** Whether it is the first answer to its prompt. */
  readonly first: boolean;
  readonly pieces: AsyncGenerator<Piece, void>;
}

/** The prompts as tokens: texts get the tokenizer's special tokens, ids are taken as they are. */
function promptsOf(
  { prompt }: CompletionRequest,
  { tokenizer }: ServedModel,
): readonly (readonly number[])[] {
  const isIds = (value: unknown): value is number[] => Array.isArray(value) && typeof value[0] === "number";
  const given: readonly (string | readonly number[])[] =
    typeof prompt === "string" || isIds(prompt)
      ? [prompt]
      : (prompt as readonly (string | readonly number[])[]);
  return given.map((one, p) => {
    const tokens = typeof one === "string" ? tokenizer.encode(one) : one;
    if (tokens.length === 0)
      throw new InvalidField(`prompt ${p} is empty; give it at least one token`, "prompt");
    const beyond = tokens.find((id) => id >= tokenizer.vocab_size);
    if (beyond !== undefined)
      throw new InvalidField(`prompt ${p} holds ${beyond}, which is no token of the model`, "prompt");
    return tokens;
  });
}

const finishReason = ({ finish }: AnswerEnd) => (finish === "length" ? "length" : "stop");

async function whole(answers: readonly Answering[], served: ServedModel, asking: Asking) {
  const texts = answers.map(({ prompt }) => prompt);
  const scores = answers.map((): Scored[] => []);
  const ends: AnswerEnd[] = [];
  for await (const { index, value } of merge(answers.map(({ pieces }) => pieces))) {
    texts[index] += value.text;
    if (value.scored) scores[index]!.push(value.scored);
    if (value.end) ends[index] = value.end;
  }
  asking.finished(ends);
  return {
    ...head(served, asking),
    choices: answers.map(({ prompt }, index) => ({
      index,
      text: texts[index],
      logprobs:
        scores[index]!.length > 0
          ? completionLogprobs(scores[index]!, served.tokenizer, prompt.length)
          : null,
      finish_reason: finishReason(ends[index]!),
    })),
    usage: usageOf(
      ends,
      ends.filter((_, index) => answers[index]!.first),
    ),
  };
}

async function* events(
  answers: readonly Answering[],
  served: ServedModel,
  asking: Asking,
  withUsage: boolean,
): AsyncGenerator<string, void> {
  const ends: AnswerEnd[] = [];
  const offsets = answers.map(({ prompt }) => prompt.length);
  const chunk = (choices: readonly object[], usage: object | null = null) =>
    sseEvent({ ...head(served, asking), choices, ...(withUsage && { usage }) });
  const told = (index: number, piece: string, finish_reason: string | null, scored?: Scored) => {
    const logprobs = scored ? completionLogprobs([scored], served.tokenizer, offsets[index]!) : null;
    offsets[index]! += piece.length;
    return chunk([{ index, text: piece, logprobs, finish_reason }]);
  };
  for (const [index, { prompt }] of answers.entries())
    if (prompt !== "") yield chunk([{ index, text: prompt, logprobs: null, finish_reason: null }]);
  for await (const { index, value } of merge(answers.map(({ pieces }) => pieces))) {
    const { text: piece, scored, end } = value;
    if (end) ends[index] = end;
    if (piece !== "" || scored || end) yield told(index, piece, end ? finishReason(end) : null, scored);
  }
  asking.finished(ends);
  if (withUsage)
    yield chunk(
      [],
      usageOf(
        ends,
        ends.filter((_, index) => answers[index]!.first),
      ),
    );
  yield sseEvent("[DONE]");
}

const head = ({ id: model }: ServedModel, { id, created }: Asking) => ({
  id: `cmpl-${id}`,
  object: "text_completion",
  created,
  model,
  system_fingerprint: "fusewire",
});
