import { emptyValue, FusewireError, floats, type Value } from "@fusewire/ir";
import { batchBucket, capacityBucket, cutChunks, type States } from "@fusewire/passes";
import type { EntryKey } from "./entries/index.ts";
import { beginRows, chunkInputs } from "./fill_cache.ts";
import { type ModelInputs, toRows } from "./rows.ts";
import type { Runtime } from "./runtime.ts";

/** Scores after every token: f32[batch, length, vocabulary], zeros at pads (the forward pass of a causal model). */
export async function forward(runtime: Runtime, inputs: ModelInputs): Promise<{ readonly logits: Value }> {
  const { model } = runtime.source;
  const { rows, starts, width } = toRows(inputs, model.vocabSize);
  const longest = Math.max(...rows.map((row) => row.length));
  if (longest > model.maxPositions)
    throw new FusewireError(
      `a prompt of ${longest} tokens is longer than the ${model.maxPositions} positions of the model; shorten it`,
    );
  const batch = batchBucket(rows.length, runtime.buckets);
  const cache = { rows: batch, capacity: capacityBucket(longest, model.maxPositions, runtime.buckets) };
  const logits = emptyValue({ dtype: "f32", shape: [rows.length, width, model.vocabSize] });
  const run = runtime.withStates(cache, async function* (states: States) {
    await beginRows({ rows, batch, cache }, (key, values) => runtime.run(key, states, values));
    for (const { start, count, size } of cutChunks(longest, runtime.buckets)) {
      const key: EntryKey = { kind: "logits", batch, ...cache, length: size };
      const outputs = await runtime.run(key, states, chunkInputs(rows, batch, start, size, 0));
      const chunk = floats(outputs.get("logits")!);
      rows.forEach((row, b) => {
        const real = Math.min(count, row.length - start);
        // The row ended in an earlier chunk.
        if (real <= 0) return;
        const from = b * size * model.vocabSize;
        const to = (b * width + starts[b]! + start) * model.vocabSize;
        floats(logits).set(chunk.subarray(from, from + real * model.vocabSize), to);
      });
      yield;
    }
  });
  for await (const _ of run);
  return { logits };
}
