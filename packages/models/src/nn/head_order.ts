/**
 * The order of a head's elements in which rotary positions pair k with k + D/2, as every kernel does: the element of the
 * stored head at each place. The first `turned` of `headDim` elements turn; they are paired with their neighbours where
 * `interleaved` (GLM, Cohere), else with the one `turned` / 2 further. Undefined where heads are in that order already.
 */
export function headOrder(
  headDim: number,
  turned: number,
  interleaved: boolean,
): readonly number[] | undefined {
  if (turned === headDim && !interleaved) return undefined;
  const pairs = turned / 2;
  const still = (headDim - turned) / 2;
  const count = (length: number, element: (k: number) => number) =>
    Array.from({ length }, (_, k) => element(k));
  const low = count(pairs, (k) => (interleaved ? 2 * k : k));
  const high = count(pairs, (k) => (interleaved ? 2 * k + 1 : k + pairs));
  return [...low, ...count(still, (k) => turned + k), ...high, ...count(still, (k) => turned + still + k)];
}
