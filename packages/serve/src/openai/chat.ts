import { type AnswerEnd, answer, type Piece } from "../answer/answer.ts";
import { InvalidField, readFields } from "../fields/field.ts";
import { boolean, ignored, integer, object, only, text } from "../fields/kinds.ts";
import { merge } from "../http/merge.ts";
import { sseEvent } from "../http/sse.ts";
import type { Asking } from "../requests/asking.ts";
import { chatPrompt, messages } from "../requests/chat_prompt.ts";
import { SAMPLING, samplingOptions } from "../requests/sampling.ts";
import { usageOf } from "../requests/usage.ts";
import { endsOfTurn, type ServedModel } from "../served_model.ts";
import { chatLogprob } from "./logprobs.ts";

/** POST /v1/chat/completions */
export const CHAT_FIELDS = {
  model: text("The model's name, as /v1/models has it."),
  messages: messages("The conversation: role (system, developer, user, assistant) and content."),
  max_completion_tokens: integer(1)("New tokens at most; as many as there is room for unless given."),
  max_tokens: integer(1)("The older name of max_completion_tokens."),
  ...SAMPLING,
  logprobs: boolean("Returns how likely each token was."),
  top_logprobs: integer(0, 20)("Most likely tokens to name beside each one; with logprobs."),
  response_format: only([{ type: "text" }], "structured answers are not built")("Only text."),
  tools: only([[]], "tools are not built")("Not built."),
  tool_choice: only(["none", "auto"], "tools are not built")("Not built."),
  parallel_tool_calls: ignored("Ignored: there are no tools."),
  modalities: only([["text"]], "answers are texts")("Only text."),
  reasoning_effort: text("Read by templates that have it."),
  chat_template_kwargs: object("Variables of the chat template (vLLM)."),
};

/** An answer under way: how it is told depends on the client. */
export interface Completion {
  readonly stream: boolean;
  /** The whole answer, as the body of a response. */
  whole(): Promise<object>;
  /** The same in events. */
  events(): AsyncGenerator<string, void>;
}

/** Reads the body of a chat request and hands its prompt to the batch; what cannot be is an error before any answer. */
export async function chatCompletion(
  body: unknown,
  served: ServedModel,
  asking: Asking,
): Promise<Completion> {
  const request = readFields(body, CHAT_FIELDS, ["messages"]);
  const { stream = false, n = 1, stop = [], logprobs = false, top_logprobs } = request;
  if (top_logprobs !== undefined && !logprobs)
    throw new InvalidField("'top_logprobs' needs logprobs: true", "top_logprobs");
  const { batcher, tokenizer, defaults } = served;
  const { reasoning_effort, chat_template_kwargs } = request;
  const tokens = chatPrompt(request.messages!, served, {
    ...chat_template_kwargs,
    ...(reasoning_effort !== undefined && { reasoning_effort }),
  });
  const room = batcher.max_length - tokens.length;
  const asked = request.max_completion_tokens ?? request.max_tokens ?? room;
  const prompts = Array.from({ length: n }, (_, index) => {
    const options = samplingOptions(request, defaults, {
      ...{ maxNewTokens: Math.min(asked, room), ends: endsOfTurn(served), index },
    });
    return { tokens, options: { ...options, output_logits: logprobs }, user: request.user };
  });
  const answers = (await asking.submit(served, prompts)).map((text) =>
    answer(text, {
      ...{ tokenizer, stop: [stop].flat(), top: logprobs ? (top_logprobs ?? 0) : undefined, special: false },
    }),
  );
  return {
    stream,
    whole: () => wholeChat(answers, served, asking),
    events: () => chatEvents(answers, served, asking, request.stream_options?.include_usage === true),
  };
}

const finishReason = ({ finish }: AnswerEnd) => (finish === "length" ? "length" : "stop");

async function wholeChat(
  answers: readonly AsyncGenerator<Piece, void>[],
  served: ServedModel,
  asking: Asking,
) {
  const texts = answers.map(() => "");
  const scores = answers.map((): object[] => []);
  const ends: AnswerEnd[] = [];
  for await (const { index, value } of merge(answers)) {
    texts[index] += value.text;
    if (value.scored) scores[index]!.push(chatLogprob(value.scored, served.tokenizer));
    if (value.end) ends[index] = value.end;
  }
  asking.finished(ends);
  return {
    ...head(served, asking, "chat.completion"),
    choices: answers.map((_, index) => ({
      index,
      message: { role: "assistant", content: texts[index], refusal: null },
      logprobs: scores[index]!.length > 0 ? { content: scores[index], refusal: null } : null,
      finish_reason: finishReason(ends[index]!),
    })),
    usage: usageOf(ends),
  };
}

async function* chatEvents(
  answers: readonly AsyncGenerator<Piece, void>[],
  served: ServedModel,
  asking: Asking,
  withUsage: boolean,
): AsyncGenerator<string, void> {
  const ends: AnswerEnd[] = [];
  const chunk = (choices: readonly object[], usage: object | null = null) =>
    sseEvent({ ...head(served, asking, "chat.completion.chunk"), choices, ...(withUsage && { usage }) });
  const choice = (index: number, delta: object, finish_reason: string | null, scored?: Piece["scored"]) => ({
    index,
    delta,
    logprobs: scored ? { content: [chatLogprob(scored, served.tokenizer)], refusal: null } : null,
    finish_reason,
  });
  for (const index of answers.keys()) yield chunk([choice(index, { role: "assistant", content: "" }, null)]);
  for await (const { index, value } of merge(answers)) {
    const { text: piece, scored, end } = value;
    if (piece !== "" || scored) yield chunk([choice(index, { content: piece }, null, scored)]);
    if (!end) continue;
    ends[index] = end;
    yield chunk([choice(index, {}, finishReason(end))]);
  }
  asking.finished(ends);
  if (withUsage) yield chunk([], usageOf(ends));
  yield sseEvent("[DONE]");
}

const head = ({ id: model }: ServedModel, { id, created }: Asking, kind: string) => ({
  id: `chatcmpl-${id}`,
  object: kind,
  created,
  model,
  system_fingerprint: "fusewire",
});
