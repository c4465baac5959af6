import { sameShape } from "@fusewire/ir";
import type { Checkpoint } from "../checkpoint/index.ts";
import { HEAD, type Keeping } from "./form.ts";
import { candidates } from "./names.ts";

// So much is compared at a time: no page waits, and memory holds little.
const CHUNK = 4 * 2 ** 20;

/**
 * Whether a model whose config.json ties the head to the embedding was saved with another head all the same: then that
 * head counts, as in transformers. Reads both until they differ.
 */
export async function hasOwnHead(checkpoint: Checkpoint, { tied }: Pick<Keeping, "tied">): Promise<boolean> {
  if (tied === undefined) return false;
  const present = new Set(checkpoint.names());
  const [embedding, head] = [tied, HEAD].map((weight) =>
    candidates(weight, { tied: undefined }).find((name) => present.has(name)),
  );
  if (embedding === undefined || head === undefined) return false;
  const [a, b] = [checkpoint.type(embedding)!, checkpoint.type(head)!];
  if (a.dtype !== b.dtype || !sameShape(a.shape, b.shape)) return true;
  for (let offset = 0; ; offset += CHUNK) {
    const [one, other] = await Promise.all(
      [embedding, head].map((tensor) => checkpoint.readBytes(tensor, offset, CHUNK)),
    );
    if (one!.length === 0) return false;
    if (one!.some((byte, i) => byte !== other![i])) return true;
  }
}
