/**
 * Tokens of the step that verifies so many drafts: one more, rounded up to a size that programs are made for. Up to 6
 * every size is one, for on the CPU a row that is padding costs as much as another; then powers of two and halfway.
 */
export function verifyLength(drafts: number): number {
  const tokens = drafts + 1;
  if (tokens <= 6) return tokens;
  const power = 2 ** Math.ceil(Math.log2(tokens));
  return tokens <= 0.75 * power ? 0.75 * power : power;
}

/** All sizes for 1 to `most` drafts, rising. */
export const verifyLengths = (most: number): number[] => [
  ...new Set(Array.from({ length: most }, (_, k) => verifyLength(k + 1))),
];
