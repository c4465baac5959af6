import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { isSha256 } from "../../hub/index.ts";

const PIECE = 2 ** 20;

/** Whether the first `size` bytes of an open file have the hash: sha256, or the sha1 that git gives a blob. */
export async function hasHash(
  handle: FileHandle,
  size: number,
  expected: string,
  onBytes: (done: number) => void,
  signal?: AbortSignal,
): Promise<boolean> {
  const hash = isSha256(expected) ? createHash("sha256") : createHash("sha1").update(`blob ${size}\0`);
  const piece = new Uint8Array(PIECE);
  let done = 0;
  while (done < size) {
    signal?.throwIfAborted();
    const { bytesRead } = await handle.read(piece, 0, Math.min(PIECE, size - done), done);
    if (bytesRead === 0) return false;
    hash.update(piece.subarray(0, bytesRead));
    done += bytesRead;
    onBytes(done);
  }
  return hash.digest("hex") === expected;
}
