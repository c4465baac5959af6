import { isJsonObject, type JsonObject, type JsonValue } from "../files/index.ts";
import { BYTE_LETTERS } from "./byte-letters.ts";

/** What `tokenBytes` needs of a tokenizer. */
interface Vocabulary {
  encode(text: string): readonly number[];
  decode(ids: readonly number[]): string;
  idToToken(id: number): string | undefined;
}

/** Text whose tokens stand before another one, so that a decoder strips nothing from that one's start. */
const BEFORE = "abcdef";

const utf8 = new TextEncoder();

/**
 * A function that gives the UTF-8 bytes that a token adds in the midst of a text, half characters included; nothing
 * for ids without a token (Hugging Face StopStringCriteria.clean_tokenizer_vocab).
 */
export function createTokenBytes(json: JsonObject, vocabulary: Vocabulary) {
  const fallback = hasDecoder(json.decoder, "ByteFallback");
  const letters = !fallback && hasDecoder(json.decoder, "ByteLevel") ? byteOfLetters() : undefined;
  let before: readonly number[] | undefined;
  const known = new Map<number, Uint8Array | undefined>();
  const bytesOf = (id: number): Uint8Array | undefined => {
    const token = vocabulary.idToToken(id);
    if (token === undefined) return undefined;
    if (letters) {
      const bytes = Array.from(token, (letter) => letters.get(letter));
      if (bytes.every((byte) => byte !== undefined)) return Uint8Array.from(bytes);
    }
    const byte = fallback ? /^<0x([0-9a-f]{2})>$/i.exec(token) : null;
    if (byte) return Uint8Array.of(Number.parseInt(byte[1]!, 16));
    before ??= vocabulary.encode(BEFORE);
    const text = vocabulary.decode([...before, id]);
    return utf8.encode(text.slice(text.indexOf(BEFORE) + BEFORE.length));
  };
  // Asked for whole vocabularies, again with each generation that has stop strings.
  return (id: number): Uint8Array | undefined => {
    if (!known.has(id)) known.set(id, bytesOf(id));
    return known.get(id);
  };
}

function hasDecoder(decoder: JsonValue | undefined, type: string): boolean {
  if (!isJsonObject(decoder)) return false;
  return (
    decoder.type === type ||
    (Array.isArray(decoder.decoders) && decoder.decoders.some((inner) => hasDecoder(inner, type)))
  );
}

const byteOfLetters = (): ReadonlyMap<string, number> =>
  new Map(BYTE_LETTERS.map((letter, byte) => [letter, byte]));
