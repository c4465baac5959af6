export type { DecodeOptions, EncodeOptions, PadOptions, Side } from "./options.ts";
export type { Encoding, Offset } from "./padding.ts";
export { createTextStream, type TextStream, type TextStreamOptions } from "./stream.ts";
export { loadTokenizer, type RowsToPad, type Tokenizer, type TokenizerOptions } from "./tokenizer.ts";
