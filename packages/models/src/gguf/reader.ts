import { FusewireError } from "@fusewire/ir";
import { type ByteSource, decodeUtf8 } from "../files/index.ts";

/** Bytes that are read at a time. */
const CHUNK = 1 << 16;
/** The longest text and the longest list: those of a vocabulary are far below. */
const LONGEST_TEXT = 1 << 24;

/** Reads little-endian values of a file one after another. */
export interface Cursor {
  /** Where the next value begins. */
  readonly at: () => number;
  readonly u32: () => Promise<number>;
  /** A count or an offset, which must be one that numbers hold. */
  readonly count: (what: string) => Promise<number>;
  readonly text: (what: string) => Promise<string>;
  /** A value of so many bytes. */
  readonly value: <T>(bytes: number, read: (view: DataView, at: number) => T) => Promise<T>;
}

export function cursorOf(source: ByteSource, file: string): Cursor {
  let at = 0;
  let chunk: Uint8Array = new Uint8Array();
  let from = 0;
  const take = async (length: number): Promise<Uint8Array> => {
    if (at + length > source.size)
      throw new FusewireError(
        `the header of ${file} ends in the middle (${source.size} bytes); download it again`,
      );
    if (at < from || at + length > from + chunk.length) {
      from = at;
      chunk = await source.read(at, Math.min(source.size - at, Math.max(length, CHUNK)));
    }
    const bytes = chunk.subarray(at - from, at - from + length);
    at += length;
    return bytes;
  };
  const value: Cursor["value"] = async (bytes, read) => {
    const taken = await take(bytes);
    return read(new DataView(taken.buffer, taken.byteOffset, bytes), 0);
  };
  const count = async (what: string): Promise<number> => {
    const number = await value(8, (view, offset) => view.getBigUint64(offset, true));
    // Whatever is counted takes a byte at least.
    if (number > BigInt(source.size))
      throw new FusewireError(
        `${file} says ${what} is ${number}, more than the file has bytes; download it again`,
      );
    return Number(number);
  };
  return {
    at: () => at,
    value,
    count,
    u32: () => value(4, (view, offset) => view.getUint32(offset, true)),
    async text(what) {
      const length = await count(`the length of ${what}`);
      if (length > LONGEST_TEXT)
        throw new FusewireError(
          `${what} of ${file} has ${length} bytes, which no text there has; download it again`,
        );
      return decodeUtf8(await take(length), `${what} of ${file}`);
    },
  };
}
