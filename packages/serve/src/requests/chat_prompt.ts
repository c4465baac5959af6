import type { ChatMessage } from "@fusewire/models";
import { type Field, InvalidField } from "../fields/field.ts";
import type { ServedModel } from "../served_model.ts";

/** A conversation in a body. */
export const messages = (doc: string): Field<readonly ChatMessage[]> => ({
  allowed: "a list of messages, each an object with role and content",
  accepts: (value): value is readonly ChatMessage[] =>
    Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "object" && one !== null),
  doc,
});

/** The prompt's tokens, by the model's chat template and its variables; one that leaves no room for an answer is an error. */
export function chatPrompt(
  given: readonly ChatMessage[],
  { tokenizer, batcher }: Pick<ServedModel, "tokenizer" | "batcher">,
  variables: object = {},
): number[] {
  const tokens = tokenizer.apply_chat_template(given.map(plainMessage), {
    ...variables,
    ...{ add_generation_prompt: true, return_dict: false },
  });
  if (tokens.length < batcher.max_length) return tokens;
  throw new InvalidField(
    `the messages take ${tokens.length} tokens, and the model holds ${batcher.max_length} with the answer; shorten them`,
    "messages",
  );
}

/** A message as templates know it: content as one text, and `developer`, OpenAI's newer word, as system. */
function plainMessage(message: ChatMessage, index: number): ChatMessage {
  const { role, content } = message;
  return {
    ...message,
    role: role === "developer" ? "system" : (role ?? "user"),
    content: plainText(content, `message ${index}`, "messages"),
  };
}

/** A text that may be given in parts, of which only texts are read. */
export function plainText(content: unknown, where: string, param: string): string {
  const parts = Array.isArray(content) ? content : [{ type: "text", text: content ?? "" }];
  const pieces = parts.map((part: unknown) => {
    const { type, text } = { ...(part as { type?: unknown; text?: unknown }) };
    if (type !== "text" || typeof text !== "string")
      throw new InvalidField(`${where} holds a part of type '${String(type)}'; only texts are read`, param);
    return text;
  });
  return pieces.join("\n");
}
