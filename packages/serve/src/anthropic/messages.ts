import { type AnswerEnd, answer, type Piece } from "../answer/answer.ts";
import { type Field, readFields } from "../fields/field.ts";
import { boolean, ignored, integer, number, object, only, text, texts } from "../fields/kinds.ts";
import { sseEvent } from "../http/sse.ts";
import type { Asking } from "../requests/asking.ts";
import { chatPrompt, messages, plainText } from "../requests/chat_prompt.ts";
import { samplingOptions } from "../requests/sampling.ts";
import { endsOfTurn, type ServedModel } from "../served_model.ts";

const system: Field<string | readonly object[]> = {
  allowed: "a text, or a list of parts of type text",
  accepts: (value): value is string | readonly object[] => typeof value === "string" || Array.isArray(value),
  doc: "What the model is told before the conversation.",
};

/** POST /v1/messages (Anthropic's Messages API) */
export const MESSAGE_FIELDS = {
  model: text("The model's name, as /v1/models has it."),
  messages: messages("The conversation: role (user, assistant) and content."),
  max_tokens: integer(1)("New tokens at most."),
  system,
  temperature: number(0, 1)("Above 0 tokens are drawn; at 0 the best is taken. 1 unless given."),
  top_p: number(0, 1)("Draws among the likeliest tokens that together have this probability."),
  top_k: integer(0)("Draws among this many of the likeliest tokens."),
  stop_sequences: texts(4)("Texts before which an answer ends."),
  stream: boolean("Sends the answer as it is made, as server-sent events."),
  metadata: object("user_id: who asks; texts of one user are served in turn with those of others."),
  service_tier: ignored("Ignored."),
  thinking: only([{ type: "disabled" }], "thinking apart from the answer is not built")("Not built."),
  tools: only([[]], "tools are not built")("Not built."),
  tool_choice: only([{ type: "none" }, { type: "auto" }], "tools are not built")("Not built."),
};

/** An answer under way, whole or in events. */
export interface MessageAnswer {
  readonly stream: boolean;
  whole(): Promise<object>;
  events(): AsyncGenerator<string, void>;
}

export async function message(body: unknown, served: ServedModel, asking: Asking): Promise<MessageAnswer> {
  const request = readFields(body, MESSAGE_FIELDS, ["messages", "max_tokens"]);
  const { stream = false, stop_sequences = [], metadata } = request;
  const told =
    request.system === undefined
      ? []
      : [{ role: "system", content: plainText(request.system, "'system'", "system") }];
  const tokens = chatPrompt([...told, ...request.messages!], served);
  const { batcher, tokenizer, defaults } = served;
  const options = samplingOptions(request, defaults, {
    maxNewTokens: Math.min(request.max_tokens!, batcher.max_length - tokens.length),
    ...{ ends: endsOfTurn(served), index: 0 },
  });
  const user = typeof metadata?.user_id === "string" ? metadata.user_id : undefined;
  const [made] = await asking.submit(served, [{ tokens, options, user }]);
  const pieces = answer(made!, {
    ...{ tokenizer, stop: [stop_sequences].flat(), top: undefined, special: false },
  });
  const head = (content: readonly object[]) => ({
    ...{ id: `msg_${asking.id}`, type: "message", role: "assistant", model: served.id, content },
  });
  return {
    stream,
    whole: async () => {
      let said = "";
      for await (const piece of ended(pieces, asking)) {
        said += piece.text;
        if (piece.end)
          return { ...head([{ type: "text", text: said }]), ...ending(piece.end), usage: usage(piece.end) };
      }
      throw new Error("an answer had no end");
    },
    events: () => events(ended(pieces, asking), { ...head([]), ...NOT_ENDED }, tokens.length),
  };
}

/** The pieces, whose end the request is told of. */
async function* ended(pieces: AsyncGenerator<Piece, void>, asking: Asking): AsyncGenerator<Piece, void> {
  for await (const piece of pieces) {
    if (piece.end) asking.finished([piece.end]);
    yield piece;
  }
}

const NOT_ENDED = { stop_reason: null, stop_sequence: null };

const REASONS = { eos: "end_turn", stop_string: "stop_sequence", length: "max_tokens" } as const;

const ending = ({ finish, stop }: AnswerEnd) => ({
  stop_reason: REASONS[finish],
  stop_sequence: stop ?? null,
});

/** Tokens that a slot held already are counted apart, as Anthropic counts those of its cache. */
const usage = ({ prompt_tokens, cached_tokens, new_tokens }: AnswerEnd) => ({
  input_tokens: prompt_tokens - cached_tokens,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: cached_tokens,
  output_tokens: new_tokens,
});

async function* events(
  pieces: AsyncGenerator<Piece, void>,
  head: object,
  promptTokens: number,
): AsyncGenerator<string, void> {
  const event = (type: string, data: object) => sseEvent({ type, ...data }, type);
  const begun = { input_tokens: promptTokens, output_tokens: 0 };
  yield event("message_start", { message: { ...head, usage: begun } });
  yield event("content_block_start", { index: 0, content_block: { type: "text", text: "" } });
  for await (const { text: said, end } of pieces) {
    if (said !== "")
      yield event("content_block_delta", { index: 0, delta: { type: "text_delta", text: said } });
    if (!end) continue;
    yield event("content_block_stop", { index: 0 });
    yield event("message_delta", { delta: ending(end), usage: usage(end) });
  }
  yield event("message_stop", {});
}
