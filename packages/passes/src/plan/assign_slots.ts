/** Scratch memory that one value needs, and when: from the step that makes it to the last one that reads it. */
export interface Lifetime {
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
  /** Values that die in step `first` and whose memory the step may write over while it reads them. */
  readonly mayReplace: ReadonlySet<Lifetime>;
}

export interface Slot {
  readonly bytes: number;
  readonly values: readonly Lifetime[];
}

/**
 * Packs values into as few bytes as it can: largest first, each into the first slot that is free for all of its
 * life. A slot is as large as the first value in it, so nothing grows ("greedy by size", Pisarchyk & Lee 2020).
 */
export function assignSlots(lifetimes: readonly Lifetime[]): Slot[] {
  const slots: { bytes: number; values: Lifetime[] }[] = [];
  for (const value of [...lifetimes].sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    const free = slots.find(({ values }) => !values.some((other) => overlap(value, other)));
    if (free) free.values.push(value);
    else slots.push({ bytes: value.bytes, values: [value] });
  }
  return slots;
}

function overlap(a: Lifetime, b: Lifetime): boolean {
  if (a.first > b.last || b.first > a.last) return false;
  return !(a.first === b.last && a.mayReplace.has(b)) && !(b.first === a.last && b.mayReplace.has(a));
}
