import { FusewireError } from "@fusewire/ir";
import { type CacheHold, EMPTY_ROW, heldLength } from "./cache/hold.ts";
import { checkPositions, type PositionedInputs, type Rows, toRows } from "./rows.ts";

/** What `forward` takes. */
export interface ForwardInputs extends PositionedInputs {
  /** Checked where given: the tokens' places in the padded batch, which begin where the cache ends. */
  readonly cache_position?: readonly number[];
}

/**
 * The new tokens of each row. With a cache that holds some the mask, if there is one, covers those too, as in Hugging
 * Face. Positions follow from the cache, so given ones that differ are an error: a gap would be seen as keys of zeros.
 */
export function newRows(hold: CacheHold | undefined, inputs: ForwardInputs, vocabSize: number): Rows {
  const { input_ids, attention_mask, position_ids, cache_position } = inputs;
  const past = hold ? heldLength(hold) : 0;
  const width = input_ids[0]?.length ?? 0;
  const held = input_ids.map((_, b) => (hold?.rows[b] ?? EMPTY_ROW).cached);
  if (past > 0 && attention_mask) {
    for (const [b, row] of attention_mask.entries()) {
      if (row.length !== past + width)
        throw new FusewireError(
          `attention_mask has ${row.length} columns; with a cache it covers the ${past} places that the cache holds and the ${width} of input_ids`,
        );
      const seen = row.slice(0, past).filter((value) => value === 1).length;
      if (seen !== held[b])
        throw new FusewireError(
          `attention_mask has ${seen} tokens before input_ids in row ${b}, and the cache holds ${held[b]}; extend the mask of the call before by the new tokens`,
        );
    }
  }
  const rows = toRows(
    { input_ids, ...(attention_mask && { attention_mask: attention_mask.map((row) => row.slice(past)) }) },
    vocabSize,
  );
  for (const [b, mask] of (attention_mask ?? []).entries()) checkGaps(mask.slice(past), b);
  if (cache_position) checkPlaces(cache_position, past, width);
  if (position_ids) checkPositions(position_ids, rows, held);
  return rows;
}

/** Scores are given for places of the padded batch, so each row's new tokens stand together. */
function checkGaps(mask: readonly number[], b: number): void {
  if (mask.slice(mask.indexOf(1), mask.lastIndexOf(1)).includes(0))
    throw new FusewireError(
      `row ${b} of attention_mask has a gap; pads may stand only before or after the tokens of a forward pass`,
    );
}

function checkPlaces(places: readonly number[], past: number, width: number): void {
  const right = places.length === width && places.every((place, t) => place === past + t);
  if (right) return;
  const wanted = width === 1 ? `${past}` : `${past} to ${past + width - 1}`;
  throw new FusewireError(
    `cache_position is ${places.join(", ")}, but ${past} places are filled, so it must be ${wanted}; leave it out`,
  );
}
