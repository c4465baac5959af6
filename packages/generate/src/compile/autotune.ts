import { capacityBucket, type EngineVariants } from "@fusewire/passes";
import type { EntryKey } from "../entries/index.ts";
import { beginRows } from "../fill_cache.ts";
import { eosBucket, rowNumbers, vector } from "../plan.ts";
import type { Runtime } from "../runtime.ts";
import { standardSelection } from "../selection.ts";

/** Steps that are run before time is taken, and of which the median counts. */
const WARM = 2;
const TIMED = 5;

/** What each set of kernels took, in milliseconds a step, and the one that was chosen. */
export interface Tuning {
  readonly chosen: string;
  readonly milliseconds: Readonly<Record<string, number>>;
}

/**
 * Chooses the kernels of a model by timing a step of decoding and a chunk of a prompt with each set that the engine
 * offers (torch.compile's max-autotune). The choice holds for all programs, or rows would have other bits in each.
 */
export async function autotune(
  runtime: Runtime,
  clock = () => performance.now(),
): Promise<Tuning | undefined> {
  const { variants } = runtime.engine;
  if (!variants || variants.names.length < 2) return undefined;
  const milliseconds: Record<string, number> = {};
  for (const name of variants.names) {
    take(runtime, variants, name);
    milliseconds[name] = await timeSteps(runtime, clock);
  }
  const chosen = variants.names.reduce((best, name) =>
    milliseconds[name]! < milliseconds[best]! ? name : best,
  );
  if (chosen !== variants.current()) take(runtime, variants, chosen);
  return { chosen, milliseconds };
}

function take(runtime: Runtime, variants: EngineVariants, name: string): void {
  if (variants.current() === name) return;
  runtime.programs.forget(`max-autotune tries kernels '${name}'`);
  variants.use(name);
}

/** A step of decoding at batch 1 and its share of a prompt: most texts have about as many tokens of both. */
async function timeSteps(runtime: Runtime, clock: () => number): Promise<number> {
  const { buckets, source } = runtime;
  const chunk = buckets.chunk.at(-1)!;
  const sizes = { batch: 1, rows: 1 };
  const cache = { rows: 1, capacity: capacityBucket(1, source.model.maxPositions, buckets) };
  const length = Math.min(chunk, cache.capacity);
  const decode: EntryKey = {
    kind: "decode",
    ...sizes,
    ...cache,
    selection: standardSelection(false),
    eosCount: eosBucket(1),
  };
  const prefill: EntryKey = { kind: "prefill", ...sizes, ...cache, length: chunk };
  const rows = rowNumbers(1);
  const one = (value: number) => vector(1, () => value);
  const eos = {
    type: { dtype: "i32", shape: [1, decode.eosCount] },
    data: new Int32Array(decode.eosCount).fill(-1),
  } as const;
  let result = 0;
  const steps = runtime.withStates(cache, async function* (states) {
    await beginRows({ rows: [[0]], batch: 1, cache }, (key, inputs) => runtime.run(key, states, inputs));
    const median = async (key: EntryKey, inputs: Parameters<Runtime["run"]>[2]) => {
      const times: number[] = [];
      for (let k = 0; k < WARM + TIMED; k++) {
        const start = clock();
        await runtime.run(key, states, inputs);
        // A program without outputs is not waited for, but a read is.
        await runtime.engine.readState(states, "lengths");
        if (k >= WARM) times.push(clock() - start);
      }
      return times.sort((a, b) => a - b)[Math.floor(TIMED / 2)]!;
    };
    const step = await median(decode, { rows, limit: one(cache.capacity), eos });
    const prompt = await median(prefill, { rows, at: one(0), count: one(length) });
    result = step + prompt / chunk;
    yield;
  });
  for await (const _ of steps);
  return result;
}
