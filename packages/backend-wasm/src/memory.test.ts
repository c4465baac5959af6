/** What the engine holds: exactly what was asked for, weights once, nothing when all is disposed. */
import * as ops from "@fusewire/ir";
import { bytesOf, trace } from "@fusewire/ir";
import { randomValue } from "@fusewire/ir/testing";
import { lower, toLowered } from "@fusewire/passes";
import { expectDisposedRefused } from "@fusewire/passes/testing";
import { expect, test, vi } from "vitest";
import { createWasmEngine } from "./engine.ts";
import { createHeap } from "./heap.ts";
import { CONTROL_WORDS } from "./ids.ts";

const [n, k] = [24, 20];
const type = { dtype: "bf16", shape: [n, k] } as const;

/** Two matrices joined, used by a product and a gather, as a checkpoint of bf16 has them. */
const module = trace({
  step: (t) => {
    const weight = (name: string) => ops.cast(t.param(name, type), "f32");
    const joined = ops.concat([weight("a"), weight("b")], 0);
    const x = ops.gather(weight("a"), t.input("ids", { dtype: "i32", shape: [3] }));
    return { y: ops.matmul(x, joined, { transposeB: true }) };
  },
});
const ids = ops.toValue({ dtype: "i32", shape: [3] }, [2, 0, 23]);

test("weights stored as bf16 stay bf16, and give what widened ones give", async () => {
  const engine = await createWasmEngine();
  const values = new Map(["a", "b"].map((name, seed) => [name, randomValue(type, seed)]));
  const weights = engine.createWeights(async (name) => values.get(name)!);
  const states = engine.createStates([]);
  const run = async (disable: readonly "hoist_prepare"[]) => {
    const before = engine.held().bytes;
    const executable = await engine.compile(lower(module, engine, { disable }), weights);
    const { data } = (await engine.run(executable, states, new Map([["ids", ids]]))).get("y")!;
    const stored = engine.held();
    executable.dispose();
    return { data: [...data], left: engine.held().bytes - before, tensors: stored.tensors };
  };
  const narrow = await run([]);
  // The joined matrix and the table, each in the bytes of the checkpoint.
  expect(narrow.left).toBe(3 * bytesOf(type));
  const wide = await run(["hoist_prepare"]);
  expect(wide.data).toEqual(narrow.data);
  weights.dispose();
  expect(engine.held()).toEqual({ bytes: 0, tensors: 0 });
});

test("what was disposed is refused, and nothing else", async () => {
  const engine = await createWasmEngine();
  await expectDisposedRefused(engine);
  await engine.dispose();
});

test("one weight at a time is outside the memory while loading", async () => {
  const engine = await createWasmEngine();
  const asked: string[] = [];
  const weights = engine.createWeights(async (name) => {
    asked.push(name);
    return randomValue(type, 0);
  });
  const executable = await engine.compile(lower(module, engine), weights);
  const again = await engine.compile(lower(module, engine), weights);
  // Once for the table, once for the joined matrix; the second entry reads nothing.
  expect(asked.sort()).toEqual(["a", "a", "b"]);
  for (const part of [executable, again, weights]) part.dispose();
  expect(engine.held().bytes).toBe(0);
});

test("a weight that cannot be read leaves nothing behind and is asked for again", async () => {
  const engine = await createWasmEngine();
  let broken = true;
  const weights = engine.createWeights(async () => {
    if (broken) throw new Error("no such file");
    return randomValue(type, 0);
  });
  await expect(engine.compile(lower(module, engine), weights)).rejects.toThrow("no such file");
  expect(engine.held().bytes).toBe(0);
  broken = false;
  (await engine.compile(lower(module, engine), weights)).dispose();
  weights.dispose();
  expect(engine.held().bytes).toBe(0);
});

test("a program that does not come about gives back what it took, and keeps what another one uses", async () => {
  const engine = await createWasmEngine({ threads: 1 });
  let broken = "b";
  const weights = engine.createWeights(async (name) => {
    if (name === broken) throw new Error("no such file");
    return randomValue(type, 0);
  });
  const first = trace({
    step: (t) => ({ y: ops.cast(t.param("a", type), "f32"), x: ops.cast(t.param("b", type), "f32") }),
  });
  await expect(engine.compile(lower(first, engine), weights)).rejects.toThrow("no such file");
  expect(engine.held().bytes).toBe(0);
  // The table of `a` is shared by both programs; the second one fails after it.
  const alone = trace({ step: (t) => ({ y: ops.cast(t.param("a", type), "f32") }) });
  const executable = await engine.compile(lower(alone, engine), weights);
  const { bytes } = engine.held();
  await expect(engine.compile(lower(first, engine), weights)).rejects.toThrow("no such file");
  expect(engine.held().bytes).toBe(bytes);
  await engine.run(executable, engine.createStates([]), new Map());
  broken = "";
  (await engine.compile(lower(first, engine), weights)).dispose();
  for (const part of [executable, weights]) part.dispose();
  expect(engine.held().bytes).toBe(0);
  engine.dispose();
});

test("max_memory is asked for everything that a program needs, before a weight is read", async () => {
  let reads = 0;
  const compiled = async (max_memory?: number) => {
    const engine = await createWasmEngine({ threads: 3, ...(max_memory !== undefined && { max_memory }) });
    const weights = engine.createWeights(async () => {
      reads++;
      return randomValue(type, 0);
    });
    const own = 4 * CONTROL_WORDS;
    try {
      await engine.compile(lower(module, engine), weights);
      return engine.held().bytes + own;
    } finally {
      if (max_memory !== undefined) expect(engine.held().bytes + own).toBeLessThanOrEqual(max_memory);
      engine.dispose();
    }
  };
  const needed = await compiled();
  expect(await compiled(needed)).toBe(needed);
  reads = 0;
  await expect(compiled(needed - 1)).rejects.toThrow(
    /'step': \d+ more bytes are needed, and max_memory leaves \d+/,
  );
  expect(reads).toBe(0);
});

test("states that find no memory, or that cannot be copied, leave nothing behind", async () => {
  const engine = await createWasmEngine({ threads: 1 });
  const states = (...shapes: number[]) =>
    engine.createStates(
      shapes.map((size, k) => ({ name: `s${k}`, type: { dtype: "i8" as const, shape: [size] } })),
    );
  // A gap, then something in use, then memory that was given back: together enough, but in no one place.
  const [gap, used, end] = [states(4 << 20), states(64), states(1 << 20)];
  gap.dispose();
  end.dispose();
  const { bytes } = engine.held();
  vi.spyOn(WebAssembly.Memory.prototype, "grow").mockImplementation(() => {
    throw new RangeError("failed to grow memory");
  });
  expect(() => states(1 << 20, 7 << 19)).toThrow("the host refused");
  vi.restoreAllMocks();
  expect(engine.held()).toEqual({ bytes, tensors: 1 });
  await expect(engine.copyStates(gap, used.decls)).rejects.toThrow("the states were disposed");
  expect(engine.held()).toEqual({ bytes, tensors: 1 });
  engine.dispose();
});

test("a model beyond 4 GiB is refused before anything is read, with the bytes it needs", async () => {
  const engine = await createWasmEngine();
  const large = trace({
    step: (t) => {
      const w = t.param("w", { dtype: "f32", shape: [2 ** 20, 1025] });
      return { y: ops.matmul(t.input("x", { dtype: "f32", shape: [1, 1025] }), w, { transposeB: true }) };
    },
  });
  const weights = engine.createWeights(async () => Promise.reject(new Error("was read")));
  const error: Error = await engine.compile(toLowered(large), weights).then(
    () => new Error("nothing was refused"),
    (reason: Error) => reason,
  );
  expect(error.message).toContain("of the 4 GiB");
  const needed = Number(/the weights and values of 'step': (\d+) more bytes/.exec(error.message)?.[1]);
  // Beside the weight, an input, a result and a table.
  expect(needed - 4 * 2 ** 20 * 1025).toBeGreaterThan(4 * (1025 + 2 ** 20));
  expect(needed - 4 * 2 ** 20 * 1025).toBeLessThan(4 * (1025 + 2 ** 20) + 4096);
  expect(() => engine.createStates([{ name: "s", type: { dtype: "f32", shape: [2 ** 31] } }])).toThrow(
    "4 GiB",
  );
  expect(engine.held().bytes).toBe(0);
});

test("a disposed engine gives its memory back at once, also while somebody holds it", async () => {
  const size = 64 << 20;
  const kept: unknown[] = [];
  const { rss } = process.memoryUsage();
  for (let k = 0; k < 8; k++) {
    const engine = await createWasmEngine({ threads: 1 + (k % 2) });
    const states = engine.createStates([{ name: "s", type: { dtype: "i8", shape: [size] } }]);
    kept.push(engine, states);
    await engine.dispose();
    await engine.dispose();
    expect(engine.held()).toEqual({ bytes: 0, tensors: 0 });
    expect(() => engine.createStates(states.decls)).toThrow("the wasm engine was disposed");
  }
  // V8 gives pages back on a thread of its own, which a busy machine keeps waiting.
  const grown = () => process.memoryUsage().rss - rss;
  await expect.poll(grown, { interval: 20, timeout: 60_000 }).toBeLessThan(2 * size);
  expect(kept).toHaveLength(16);
});

test("the heap hands out what was given back, joined with its neighbours", () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 4 });
  const heap = createHeap(memory, 100);
  const [a, b, c] = [heap.allocate(100), heap.allocate(200), heap.allocate(1)];
  expect([a, b, c].every((address) => address % 64 === 0)).toBe(true);
  expect(heap.held()).toBe(301);
  heap.free(a);
  heap.free(b);
  expect(heap.allocate(300)).toBe(a);
  heap.free(a);
  heap.free(c);
  expect(heap.held()).toBe(0);
  expect(heap.allocate(60_000)).toBe(a);
  expect(memory.buffer.byteLength).toBe(65536);
  expect(() => heap.allocate(300_000)).toThrow("the host refused");
  expect(() => heap.free(12)).toThrow("nothing was allocated");
});
