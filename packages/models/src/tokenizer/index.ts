export type { ApplyChatTemplate } from "./chat.ts";
export type { ChatMessage, ChatOptions } from "./chat-options.ts";
export type { ChatTemplates } from "./chat-templates.ts";
export type { DecodeOptions, EncodeOptions, PadOptions, Side } from "./options.ts";
export type { Encoding, Offset } from "./padding.ts";
export { createTextStream, type TextStream, type TextStreamOptions } from "./stream.ts";
export {
  loadTokenizer,
  type RowsToPad,
  TOKENIZER_OPTIONS,
  type Tokenizer,
  type TokenizerOptions,
} from "./tokenizer.ts";
