/** Files that come from elsewhere in chunks. */
import type { Keeper } from "../kept/index.ts";
import { assertRange, type ByteSource } from "./files.ts";
import type { FileProgress } from "./progress.ts";

/** Bytes of one request: configs come whole, neighbouring tensors share requests, and a cut costs no more. */
export const CHUNK = 16 * 2 ** 20;

export interface ChunkedFile {
  /** What errors call it. */
  readonly name: string;
  readonly size: number;
  readonly chunkBytes: number;
  readonly keeper: Keeper;
  /** Where the keeper has its chunks: a name that no other content of the file has. */
  readonly folder: string;
  /** Asks the server for the bytes from `start` on. */
  readonly fetchChunk: (start: number, length: number) => Promise<Uint8Array<ArrayBuffer>>;
  /** Bytes at its beginning that came just now and are kept already. */
  readonly arrived?: number;
  readonly onProgress?: ((progress: Pick<FileProgress, "loaded" | "total" | "status">) => void) | undefined;
}

/** The name of a chunk among those of its file. */
export const chunkPart = (start: number, length: number): string => `${start}-${length}`;

/** Reads a file in chunks of one size, each from where it is kept or else, once, from the server. */
export function chunkedSource(file: ChunkedFile): ByteSource {
  const { name, size, chunkBytes, keeper, folder, fetchChunk, arrived = 0, onProgress } = file;
  // Neighbouring tensors share chunks, so the one that arrived last stays at hand.
  let last: { readonly index: number; readonly bytes: Uint8Array<ArrayBuffer> } | undefined;
  const arriving = new Map<number, Promise<Uint8Array<ArrayBuffer>>>();
  const seen = new Set<number>();
  let loaded = 0;

  const lengthOf = (index: number): number => Math.min(chunkBytes, size - index * chunkBytes);
  const tell = (index: number, status: FileProgress["status"]): void => {
    if (!seen.has(index)) loaded += lengthOf(index);
    seen.add(index);
    onProgress?.({ loaded, total: size, status });
  };

  async function arrive(index: number): Promise<Uint8Array<ArrayBuffer>> {
    const [start, length] = [index * chunkBytes, lengthOf(index)];
    const bytes = await fetchChunk(start, length);
    await keeper.write(folder, chunkPart(start, length), bytes);
    last = { index, bytes };
    tell(index, "download");
    return bytes;
  }

  /** Bytes of one chunk. */
  async function readPiece(index: number, from: number, to: number): Promise<Uint8Array> {
    if (last?.index === index) return last.bytes.subarray(from, to);
    const [start, length] = [index * chunkBytes, lengthOf(index)];
    const kept = arriving.has(index)
      ? undefined
      : await keeper.read(folder, chunkPart(start, length), length, from, to);
    if (kept) {
      tell(index, start < arrived ? "download" : "cached");
      return kept;
    }
    // It may have come while the keeper was asked.
    if (last?.index === index) return last.bytes.subarray(from, to);
    const bytes = arriving.get(index) ?? arrive(index).finally(() => arriving.delete(index));
    arriving.set(index, bytes);
    return (await bytes).subarray(from, to);
  }

  return {
    size,
    async read(offset, length) {
      assertRange(name, size, offset, length);
      const end = offset + length;
      const result = new Uint8Array(length);
      for (let at = offset; at < end; ) {
        const index = Math.floor(at / chunkBytes);
        const start = index * chunkBytes;
        const piece = await readPiece(index, at - start, Math.min(end - start, chunkBytes));
        if (piece.byteLength === length) return piece;
        result.set(piece, at - offset);
        at += piece.byteLength;
      }
      return result;
    },
    async close() {
      last = undefined;
      // A file of one chunk is read again before long: configurations are, by each part that has its settings there.
      if (size > chunkBytes) keeper.release(folder);
    },
  };
}
