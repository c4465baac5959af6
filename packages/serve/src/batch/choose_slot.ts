/** What is known of the slots. */
interface Held {
  /** Whose text each slot holds. */
  readonly owners: readonly (string | undefined)[];
  /** Tokens of a text that a slot holds already. */
  readonly held: (slot: number, tokens: readonly number[]) => number;
}

/** A beginning shorter than this is not worth giving up another text for. */
const LEAST = 16;

/**
 * The slot of those that are free in which a text costs least: the one that holds most of it from an earlier text of
 * the same tenant, or else one that holds nothing that its owner may come back for.
 */
export function chooseSlot(
  free: readonly number[],
  { tokens, tenant }: { readonly tokens: readonly number[]; readonly tenant: string },
  { owners, held }: Held,
): number {
  const gains = free.map((slot) => (owners[slot] === tenant ? held(slot, tokens) : 0));
  const best = gains.indexOf(Math.max(...gains));
  if (gains[best]! >= LEAST) return free[best]!;
  return free.find((slot) => owners[slot] === undefined) ?? free[0]!;
}
