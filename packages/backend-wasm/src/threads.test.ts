/** Several threads: the same bits as one, and an end that comes by itself. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as ops from "@fusewire/ir";
import { type Module, trace, type Value } from "@fusewire/ir";
import { randomEnvironment } from "@fusewire/ir/testing";
import { type Engine, lower, type Quantization } from "@fusewire/passes";
import { expect, test } from "vitest";
import { startHelper } from "#platform";
import { createWasmEngine } from "./engine.ts";
import { createHeap } from "./heap.ts";
import { instantiate, loadKernels } from "./kernels.ts";
import { startHelpers } from "./threads.ts";

/** A layer as models have it, large enough to be shared. */
const layer = (rows: number): Module =>
  trace({
    step: (t) => {
      const weight = (name: string, n: number, k: number) =>
        ops.cast(t.param(name, { dtype: "bf16", shape: [n, k] }), "f32");
      const x = t.input("x", { dtype: "f32", shape: [rows, 1, 256] });
      const norm = ops.rmsNorm(x, t.param("norm", { dtype: "f32", shape: [256] }), 1e-5);
      const q = ops.reshape(ops.matmul(norm, weight("q", 256, 256), { transposeB: true }), [rows, 4, 1, 64]);
      const cache = (name: string) => t.input(name, { dtype: "f32", shape: [rows, 2, 300, 64] });
      const run = (value: number) => ops.constant(t.table, value, "i32", [rows, 1]);
      const batch = t.input("rows", { dtype: "i32", shape: [rows] });
      const attended = ops.attention(q, cache("keys"), cache("values"), batch, run(3), run(290), {
        scale: 0.1,
      });
      const joined = ops.add(x, ops.reshape(attended, [rows, 1, 256]));
      const hidden = ops.gatedLinear(joined, weight("mlp", 1024, 256), "silu");
      const y = ops.add(joined, ops.matmul(hidden, weight("down", 256, 512), { transposeB: true }));
      return { y, scores: ops.softmax(ops.matmul(y, weight("head", 4096, 256), { transposeB: true })) };
    },
  });

async function results(
  engine: Engine,
  module: Module,
  quantize: Quantization | undefined,
): Promise<Value[][]> {
  const environment = randomEnvironment(module, 1);
  const weights = engine.createWeights(async (name) => environment.params(name));
  const executable = await engine.compile(lower(module, engine, { quantize }), weights);
  const states = engine.createStates([]);
  const inputs = new Map(module.entries[0]!.inputs.map(({ name }) => [name, environment.inputs(name)]));
  const runs: Value[][] = [];
  // Many runs, so that helpers come and go between them.
  for (let k = 0; k < 200; k++) runs.push([...(await engine.run(executable, states, inputs)).values()]);
  for (const part of [executable, states, weights]) part.dispose();
  return runs;
}

test.each([undefined, { bits: 8, group: 32 }, { bits: 4, group: 32 }] as const)(
  "one thread and four give the same bits, run after run (%o)",
  async (quantize) => {
    for (const rows of [1, 5]) {
      const [one, four] = [await createWasmEngine({ threads: 1 }), await createWasmEngine({ threads: 4 })];
      const [expected] = await results(one, layer(rows), quantize);
      for (const actual of await results(four, layer(rows), quantize))
        for (const [k, { data }] of actual.entries())
          expect(Buffer.compare(Buffer.from(data.buffer), Buffer.from(expected![k]!.data.buffer))).toBe(0);
      one.dispose();
      four.dispose();
    }
  },
);

test("a process that used threads and did not dispose of them ends by itself", async () => {
  const engine = fileURLToPath(new URL("./engine.ts", import.meta.url));
  const script = `
    import { createWasmEngine } from ${JSON.stringify(engine)};
    const engine = await createWasmEngine({ threads: 3 });
    console.log(engine.threads, engine.threadsReason);
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--import", "tsx", "--input-type=module", "--eval", script],
    { cwd: fileURLToPath(new URL("../../..", import.meta.url)) },
  );
  expect(stdout.trim()).toBe("3 undefined");
});

test("threads that do not come about are counted out, with the reason, and the engine works without them", async () => {
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 65536, shared: true });
  const compiled = await loadKernels(true, true);
  const kernels = await instantiate(compiled, memory);
  const refusals: Readonly<Record<string, typeof startHelper>> = {
    // As a policy does in some browsers, and by an event in others.
    "workers are refused": () => {
      throw new Error("workers are refused");
    },
    "the worker failed": (_data, onGone) => {
      queueMicrotask(() => onGone("the worker failed"));
      return async () => undefined;
    },
  };
  for (const [reason, start] of Object.entries(refusals)) {
    const heap = createHeap(memory, kernels.heapBase());
    const helpers = startHelpers(heap, compiled, 3, ({ thread, ...data }, onGone) =>
      thread === 1 ? startHelper({ thread, ...data }, onGone) : start({ thread, ...data }, onGone),
    );
    await Promise.resolve();
    expect([helpers.count(), helpers.failure()]).toEqual([2, reason]);
    helpers.stop();
    expect(helpers.failure()).toBe(reason);
  }
});
