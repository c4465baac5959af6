import type { JsonValue } from "../../files/index.ts";
import { createPart, listIn, type PartWorld, patternIn, textIn } from "../parts.ts";
import { byteFallback, byteLevel } from "./bytes.ts";
import type { Decoder, DecoderKind } from "./decoder.ts";
import { strip } from "./strip.ts";
import { bpe, ctc, metaspace, wordPiece } from "./words.ts";

export type { Decoder } from "./decoder.ts";

const replace: DecoderKind = (settings, world) => {
  const pattern = patternIn(settings, "decoder", world);
  const content = textIn(settings, "content", "decoder");
  return (tokens) => tokens.map((token) => token.replace(pattern, () => content));
};

const KINDS: Readonly<Record<string, DecoderKind>> = {
  BPEDecoder: bpe,
  ByteFallback: byteFallback,
  ByteLevel: byteLevel,
  CTC: ctc,
  Fuse: () => (tokens) => [tokens.join("")],
  Metaspace: metaspace,
  Replace: replace,
  Sequence: (settings, world) => {
    const steps = listIn(settings, "decoders").map((part) => createDecoder(part, world));
    return (tokens) => steps.reduce((done, step) => step(done), tokens);
  },
  Strip: strip,
  WordPiece: wordPiece,
};

/** The decoder that a part of tokenizer.json describes; one that is not built is refused by its type. */
export const createDecoder = (part: JsonValue, world: PartWorld): Decoder =>
  createPart("decoder", KINDS, part, world);
