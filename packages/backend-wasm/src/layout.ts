const ALIGNMENT = 64;

export const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** Regions one after another, each on a cache line of its own. */
export function layOut(sizes: readonly number[]): { offsets: readonly number[]; bytes: number } {
  let bytes = 0;
  const offsets = sizes.map((size) => {
    const offset = bytes;
    bytes += align(size);
    return offset;
  });
  return { offsets, bytes };
}
