import { FusewireError } from "@fusewire/ir";
import type { CausalModel } from "@fusewire/models";
import { type Buckets, capacityBucket } from "@fusewire/passes";

/** What positions of a model are. */
type Positions = Pick<CausalModel, "maxPositions" | "positionTable">;

/**
 * Slots of a cache for texts of `length` tokens. Where positions are computed and not looked up, a text may be longer
 * than those that the model was made for, and slots double on.
 */
export function capacityFor(
  length: number,
  { maxPositions, positionTable }: Positions,
  buckets: Buckets,
): number {
  let limit = maxPositions;
  while (limit < length && !positionTable) limit *= 2;
  return capacityBucket(length, limit, buckets);
}

/** A notice where a text of `prompt` and `added` tokens is longer than the model was made for; an error where it has no such positions. */
export function beyondPositions(
  prompt: number,
  added: number,
  { maxPositions, positionTable }: Positions,
): string | undefined {
  if (prompt + added <= maxPositions) return undefined;
  const text =
    added > 0 ? `a prompt of ${prompt} tokens and ${added} new ones are` : `a text of ${prompt} tokens is`;
  if (positionTable)
    throw new FusewireError(
      `${text} more than the ${maxPositions} positions of the model; shorten the prompt${added > 0 ? " or lower max_new_tokens" : ""}`,
    );
  return `${text} more than the ${maxPositions} positions that the model was made for (max_position_embeddings), beyond which it may say anything`;
}
