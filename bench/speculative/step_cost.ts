import { type CausalLM, type EntryKey, eosBucket, standardSelection } from "@fusewire/generate";
import { toValue, type Value } from "@fusewire/ir";

/** Steps in a row that are timed together at least, and for how many milliseconds: short ones need JavaScript warm. */
const STEPS = 6;
const LASTING = 40;

const ints = (shape: readonly number[], of: (i: number) => number): Value =>
  toValue(
    { dtype: "i32", shape },
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => of(i)),
  );

/** The smallest cache, of one row. */
const cacheOf = ({ runtime }: CausalLM) => ({
  batch: 1,
  rows: 1,
  capacity: Math.min(runtime.buckets.capacity, runtime.source.model.maxPositions),
});

/** What starts a text of so many tokens; which ones does not matter here. */
const textOf = (capacity: number, filled: number): Record<string, Value> => ({
  rows: ints([1], () => 0),
  ids: ints([1, capacity], (i) => 100 + (i % 400)),
  count: ints([1], () => filled),
  done: ints([1], () => 0),
});

export interface Prefill {
  readonly tokens: number;
  readonly ms: number;
}

/** A prompt of the longest chunk that the smallest cache takes. */
export async function prefillCost(model: CausalLM): Promise<Prefill> {
  const { runtime } = model;
  const sizes = cacheOf(model);
  const length = runtime.buckets.chunk.filter((size) => size <= sizes.capacity).at(-1)!;
  const key: EntryKey = { kind: "prefill", ...sizes, length };
  let ms = 0;
  const measure = runtime.withStates(sizes, async function* (states) {
    await runtime.run({ kind: "begin", ...sizes }, states, textOf(sizes.capacity, length));
    const inputs = { rows: ints([1], () => 0), at: ints([1], () => 0), count: ints([1], () => length) };
    // The first may compile.
    for (let round = 0; round < 2; round++) {
      const started = performance.now();
      await runtime.run(key, states, inputs);
      ms = performance.now() - started;
    }
    yield;
  });
  for await (const _ of measure);
  return { tokens: length, ms };
}

/**
 * Milliseconds of one greedy step over one text, by its length in rows: 1 is a step of decoding, more verify so many
 * less one drafts.
 */
export async function stepCosts(
  model: CausalLM,
  steps: readonly number[],
  filled: number,
): Promise<number[]> {
  const { runtime } = model;
  const sizes = cacheOf(model);
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
  // Made once, as a generation makes its own: the names of programs are found by them.
  const keys = steps.map(keyOf);
  const begin: EntryKey = { kind: "begin", ...sizes };
  const times: number[] = [];
  const counts = steps.map(() => STEPS);
  const measure = runtime.withStates(sizes, async function* (states) {
    // The first round may compile, and the second says how long a step takes.
    for (let round = 0; round < 3; round++)
      for (const [k, rows] of steps.entries()) {
        // Back to the same length: keys and values need not mean anything here.
        await runtime.run(begin, states, textOf(sizes.capacity, filled));
        const inputs = {
          rows: ints([1], () => 0),
          limit: ints([1], () => sizes.capacity),
          eos: ints([1, eosCount], () => -1),
          ...(rows > 1 && { drafts: ints([1, rows - 1], () => 7), drafted: ints([1], () => rows - 1) }),
        };
        const started = performance.now();
        for (let step = 0; step < counts[k]!; step++) await runtime.run(keys[k]!, states, inputs);
        const ms = (performance.now() - started) / counts[k]!;
        times[k] = ms;
        const room = Math.floor((sizes.capacity - filled) / rows);
        if (round === 1) counts[k] = Math.max(STEPS, Math.min(room, Math.ceil(LASTING / ms)));
      }
    yield;
  });
  for await (const _ of measure);
  return times;
}
