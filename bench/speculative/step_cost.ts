import { type CausalLM, type EntryKey, eosBucket, standardSelection } from "@fusewire/generate";
import { toValue, type Value } from "@fusewire/ir";
import { median } from "./formula.ts";

/** Steps in a row that are timed together at least, and for how many milliseconds: short ones need JavaScript warm. */
const STEPS = 6;
const LASTING = 40;

/**
 * Milliseconds of one greedy step over one text, by its length in rows: 1 is a step of decoding, more verify so many
 * less one drafts, as `real` of them. Taken in turn, so that a busy machine is busy for all.
 */
export async function stepCosts(
  { runtime }: CausalLM,
  steps: readonly { readonly rows: number; readonly real: number }[],
  { filled, repeats }: { readonly filled: number; readonly repeats: number },
): Promise<number[]> {
  const sizes = {
    batch: 1,
    rows: 1,
    capacity: Math.min(runtime.buckets.capacity, runtime.source.model.maxPositions),
  };
  const eosCount = eosBucket(1);
  const keyOf = (rows: number): EntryKey =>
    rows === 1
      ? { kind: "decode", ...sizes, selection: standardSelection(false), eosCount }
      : {
          kind: "verify",
          ...sizes,
          length: rows,
          selection: standardSelection(false, rows),
          eosCount,
          drafts: "certain",
        };
  const ints = (shape: readonly number[], of: (i: number) => number): Value =>
    toValue(
      { dtype: "i32", shape },
      Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => of(i)),
    );
  const times = steps.map((): number[] => []);
  const counts = steps.map(() => STEPS);
  const measure = runtime.withStates(sizes, async function* (states) {
    for (let repeat = 0; repeat <= repeats + 1; repeat++)
      for (const [k, { rows, real }] of steps.entries()) {
        // Back to the same length: keys and values need not mean anything here.
        await runtime.run({ kind: "begin", ...sizes }, states, {
          rows: ints([1], () => 0),
          ids: ints([1, sizes.capacity], (i) => 100 + (i % 400)),
          count: ints([1], () => filled),
          done: ints([1], () => 0),
        });
        const inputs = {
          rows: ints([1], () => 0),
          limit: ints([1], () => sizes.capacity),
          eos: ints([1, eosCount], () => -1),
          ...(rows > 1 && { drafts: ints([1, rows - 1], () => 7), drafted: ints([1], () => real - 1) }),
        };
        const started = performance.now();
        for (let step = 0; step < counts[k]!; step++) await runtime.run(keyOf(rows), states, inputs);
        const ms = (performance.now() - started) / counts[k]!;
        // The first round compiles, and the second says how long a step takes.
        if (repeat > 1) times[k]!.push(ms);
        const room = Math.floor((sizes.capacity - filled) / rows);
        if (repeat > 0) counts[k] = Math.max(STEPS, Math.min(room, Math.ceil(LASTING / ms)));
      }
    yield;
  });
  for await (const _ of measure);
  return times.map(median);
}
