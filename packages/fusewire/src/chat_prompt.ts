import type { CausalLM } from "@fusewire/generate";
import type { ChatMessage, Encoding, PadOptions, Tokenizer } from "@fusewire/models";

/** Whether a value is a conversation: messages, and at least one. */
export const isChat = (value: unknown): value is readonly ChatMessage[] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((one) => typeof one === "object" && one !== null && !Array.isArray(one));

/**
 * Conversations as their template writes them, up to where the answer begins. A last message of the assistant is an
 * answer that goes on (as in Hugging Face's pipeline).
 */
export function chatInputs(
  tokenizer: Tokenizer,
  chats: readonly (readonly ChatMessage[])[],
  pad: PadOptions = {},
): Encoding {
  const goesOn = chats.every((chat) => chat.at(-1)?.role === "assistant");
  return tokenizer.apply_chat_template(chats, {
    ...(goesOn ? { continue_final_message: true } : { add_generation_prompt: true }),
    ...pad,
  });
}

/** Tokens that end a turn: the checkpoint's, and the tokenizer's end token, which older checkpoints leave out. */
export const endsOfTurns = (
  { generation_config }: Pick<CausalLM, "generation_config">,
  { eos_token_id }: Pick<Tokenizer, "eos_token_id">,
): readonly number[] => [...new Set([generation_config.eos_token_id ?? [], eos_token_id ?? []].flat())];
