import { BYTE_LETTERS } from "../byte-letters.ts";
import type { DecoderKind } from "./decoder.ts";

const encoder = new TextEncoder();
const lossyUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const BYTE_OF_LETTER: ReadonlyMap<string, number> = new Map(
  BYTE_LETTERS.map((letter, byte) => [letter, byte]),
);

/** Bytes that GPT-2's letters stand for. A token with any other letter, such as an added one, is text. */
export const byteLevel: DecoderKind = () => (tokens) => {
  const bytes = tokens.flatMap((token) => {
    const spelled = Array.from(token, (letter) => BYTE_OF_LETTER.get(letter));
    return spelled.every((byte) => byte !== undefined) ? spelled : [...encoder.encode(token)];
  });
  return [lossyUtf8.decode(Uint8Array.from(bytes))];
};

const BYTE_TOKEN = /^<0x([0-9a-f]{2})>$/i;

/** Runs of tokens such as <0xE4>. A run that is not UTF-8 as a whole gives one replacement character for each byte. */
export const byteFallback: DecoderKind = () => (tokens) => {
  const texts: string[] = [];
  let run: number[] = [];
  const flush = (): void => {
    if (run.length > 0) texts.push(...textsOf(run));
    run = [];
  };
  for (const token of tokens) {
    const byte = BYTE_TOKEN.exec(token)?.[1];
    if (byte !== undefined) run.push(Number.parseInt(byte, 16));
    else {
      flush();
      texts.push(token);
    }
  }
  flush();
  return texts;
};

function textsOf(bytes: readonly number[]): readonly string[] {
  try {
    return [strictUtf8.decode(Uint8Array.from(bytes))];
  } catch {
    return bytes.map(() => "\ufffd");
  }
}
