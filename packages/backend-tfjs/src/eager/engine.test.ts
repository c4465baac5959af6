import * as ir from "@fusewire/ir";
import { type Engine, toLowered, type Weights } from "@fusewire/passes";
import { expectDisposedRefused } from "@fusewire/passes/testing";
import * as tf from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import { onEachBackend } from "../testing/arbitrary.ts";
import { createEagerEngine } from "./index.ts";

const f32 = (...shape: number[]) => ir.tensorType("f32", shape);
const i32 = (...shape: number[]) => ir.tensorType("i32", shape);
const value = (type: ir.TensorType, ...numbers: number[]) => ir.toValue(type, numbers);

const [SLOTS, WIDTH] = [8, 4];

/** A small decode step: a cache, a counter on the host, attention and a choice. */
const decode = ir.trace({
  decode: (t) => {
    const weight = t.param("weight", f32(6, WIDTH));
    const at = t.state("at", i32(1));
    const x = ir.reshape(ir.gather(weight, t.input("id", i32(1))), [1, 1, 1, WIDTH]);
    const row = ir.constant(t.table, [0], "i32", [1]);
    const one = ir.constant(t.table, [1], "i32", [1]);
    const cache = ir.cacheWrite(t.state("cache", f32(1, 1, SLOTS, WIDTH)), row, at, one, x, 2);
    t.write("cache", cache);
    t.write("at", ir.add(at, 1));
    const zero = ir.constant(t.table, [0], "i32", [1, 1]);
    const seen = ir.attention(x, cache, cache, row, zero, ir.reshape(at, [1, 1]), { scale: 1 });
    const logits = ir.matmul(ir.reshape(seen, [1, WIDTH]), weight, { transposeB: true });
    return { id: ir.argmax(logits), logits };
  },
});
const weight = value(f32(6, WIDTH), ...Array.from({ length: 6 * WIDTH }, (_, k) => Math.sin(k)));
const input = (id: number) => new Map([["id", value(i32(1), id)]]);

const sourceOf =
  (params: Readonly<Record<string, ir.Value>>, read: string[] = []) =>
  async (name: string) => {
    read.push(name);
    const found = params[name];
    if (!found) throw new ir.FusewireError(`the checkpoint has no '${name}'`);
    return found;
  };

async function prepared(engine: Engine, module = decode) {
  const weights = engine.createWeights(sourceOf({ weight }));
  const states = engine.createStates(module.states);
  const executable = await engine.compile(toLowered(module), weights);
  return {
    weights,
    states,
    executable,
    dispose: () => [executable, states, weights].map((part) => part.dispose()),
  };
}

onEachBackend(createEagerEngine, (engine) => {
  test("what was disposed is refused, and nothing else", () => expectDisposedRefused(engine()));

  test("holds the same over 200 runs, and nothing in the end", async () => {
    const before = tf.memory().numTensors;
    const { states, executable, dispose } = await prepared(engine());
    await engine().run(executable, states, input(1));
    const [tensors, held] = [tf.memory().numTensors, engine().held()];
    for (let n = 0; n < 200; n++) await engine().run(executable, states, input(n % 6));
    expect(tf.memory().numTensors).toBe(tensors);
    expect(engine().held()).toEqual(held);
    expect(held.bytes).toBeGreaterThanOrEqual(4 * (6 * WIDTH + SLOTS * WIDTH + 1));
    expect([...(await engine().readState(states, "at")).data]).toEqual([201]);
    dispose();
    expect(engine().held()).toEqual({ bytes: 0, tensors: 0 });
    expect(tf.memory().numTensors).toBe(before);
  });

  test("a run that fails half way changes no state and leaves no tensor", async () => {
    const { states, executable, dispose } = await prepared(engine());
    const first = await engine().run(executable, states, input(2));
    const cache = await engine().readState(states, "cache");
    const tensors = tf.memory().numTensors;
    const softmax = tf.getKernel("Softmax", engine().name.slice("eager:".length));
    tf.unregisterKernel("Softmax", softmax.backendName);
    for (let n = 0; n < 5; n++)
      await expect(engine().run(executable, states, input(3))).rejects.toThrow("Softmax");
    tf.registerKernel(softmax);
    expect(tf.memory().numTensors).toBe(tensors);
    expect([...(await engine().readState(states, "at")).data]).toEqual([1]);
    expect((await engine().readState(states, "cache")).data).toEqual(cache.data);
    expect((await engine().run(executable, states, input(2))).get("logits")!.data).not.toEqual(
      first.get("id")!.data,
    );
    dispose();
  });

  test("a weight is read once for all executables and kept in one copy", async () => {
    const module = ir.trace({
      prefill: (t) => ({ y: ir.gather(t.param("weight", f32(6, WIDTH)), t.input("id", i32(1))) }),
    });
    const before = tf.memory().numTensors;
    const read: string[] = [];
    const weights = engine().createWeights(sourceOf({ weight }, read));
    // The first alone would keep the matrix as it is, the second on wasm transposed.
    const [prefill, step] = await Promise.all(
      [module, decode].map((each) => engine().compile(toLowered(each), weights)),
    );
    expect(read).toEqual(["weight"]);
    expect(tf.memory().numTensors).toBe(before + 1);
    const row = await engine().run(prefill!, engine().createStates([]), input(4));
    expect([...row.get("y")!.data]).toEqual([...weight.data.subarray(4 * WIDTH, 5 * WIDTH)]);
    for (const part of [prefill!, step!, weights]) part.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test("stored bf16 is widened once, also when an entry reads it through a cast", async () => {
    const narrow = ir.castValue(weight, "bf16");
    const module = ir.trace({
      product: (t) => {
        const wide = ir.cast(t.param("weight", narrow.type), "f32");
        return { y: ir.matmul(t.input("x", f32(1, WIDTH)), wide, { transposeB: true }) };
      },
    });
    const weights = engine().createWeights(sourceOf({ weight: narrow }));
    const executable = await engine().compile(toLowered(module), weights);
    expect(executable.launches).toBe(1);
    const x = value(f32(1, WIDTH), 1, 0, 0, 0);
    const { data } = (await engine().run(executable, engine().createStates([]), new Map([["x", x]]))).get(
      "y",
    )!;
    const column = Array.from({ length: 6 }, (_, k) => ir.fromBf16(narrow.data[k * WIDTH]!));
    expect([...data]).toEqual(column);
    for (const part of [executable, weights]) part.dispose();
  });

  test("states may change places, share a value, or take an input's, and stay apart from it", async () => {
    const module = ir.trace({
      step: (t) => {
        const [a, b, c] = ["a", "b", "c"].map((name) => t.state(name, f32(2)));
        const x = t.input("x", f32(2));
        t.write("a", x);
        t.write("b", a!);
        t.write("c", a!);
        return { b: b!, c: c!, x };
      },
    });
    const { states, executable, dispose } = await prepared(engine(), module);
    const x = value(f32(2), 1, 2);
    for (let n = 0; n < 2; n++) {
      const outputs = await engine().run(executable, states, new Map([["x", x]]));
      x.data.fill(9);
      for (const { data } of outputs.values()) data.fill(-1);
    }
    const read = async (name: string) => [...(await engine().readState(states, name)).data];
    expect(await Promise.all(["a", "b", "c"].map(read))).toEqual([
      [9, 9],
      [1, 2],
      [1, 2],
    ]);
    dispose();
  });

  test("says what is missing, of another type, or gone", async () => {
    const { weights, states, executable, dispose } = await prepared(engine());
    const run = (inputs: ReadonlyMap<string, ir.Value>, on = states) => engine().run(executable, on, inputs);
    await expect(run(new Map())).rejects.toThrow(
      "entry 'decode' needs the input 'id' : i32[1], was given nothing",
    );
    await expect(run(new Map([["id", value(f32(1), 0)]]))).rejects.toThrow("was given f32[1]");
    await expect(run(input(0), engine().createStates([]))).rejects.toThrow("needs the state 'cache'");
    await expect(engine().readState(states, "b")).rejects.toThrow("there is no state 'b'");
    const both = [run(input(0)), run(input(0))];
    await expect(both[1]).rejects.toThrow("in use by another run");
    await both[0];

    const lost = run(input(0));
    states.dispose();
    await expect(lost).rejects.toThrow();
    await expect(run(input(0))).rejects.toThrow("the states were disposed");
    await expect(engine().readState(states, "at")).rejects.toThrow("state 'at' was disposed");
    dispose();
    await expect(run(input(0), engine().createStates(decode.states))).rejects.toThrow("disposed");
    await expect(engine().compile(toLowered(decode), weights)).rejects.toThrow("the weights were disposed");
    engine().dispose();
    expect(engine().held()).toEqual({ bytes: 0, tensors: 0 });
  });

  test("a weight that is missing or of another type fails to compile, and may be there the next time", async () => {
    const params: Record<string, ir.Value> = {};
    const weights: Weights = engine().createWeights(sourceOf(params));
    const compile = () => engine().compile(toLowered(decode), weights);
    await expect(compile()).rejects.toThrow("the checkpoint has no 'weight'");
    params.weight = value(f32(1), 0);
    await expect(compile()).rejects.toThrow("weight 'weight' is f32[1], not f32[6,4]");
    params.weight = weight;
    (await compile()).dispose();
    weights.dispose();
    expect(engine().held()).toEqual({ bytes: 0, tensors: 0 });
  });
});

test("two engines take turns, and at once, without touching each other's backend", async () => {
  const engines = await Promise.all(["cpu", "wasm"].map((name) => createEagerEngine(name)));
  const sessions = await Promise.all(engines.map((engine) => prepared(engine)));
  const run = async (k: number, id: number) => {
    const { executable, states } = sessions[k]!;
    return (await engines[k]!.run(executable, states, input(id))).get("logits")!.data;
  };
  const close = (a: ir.Value["data"], b: ir.Value["data"]) =>
    [...a].forEach((x, k) => void expect(x).toBeCloseTo(b[k]!, 5));
  for (let n = 0; n < 4; n++) close(await run(0, n), await run(1, n));
  for (let n = 0; n < 4; n++) {
    const [a, b] = await Promise.all([run(0, n), run(1, n)]);
    close(a!, b!);
  }
  // Each backend moves foreign tensors over in silence, so the numbers alone would not show a mix-up.
  const moved = ["cpu", "wasm"].map((name) => tf.engine().registry[name]!.numDataIds());
  await Promise.all([run(0, 1), run(1, 1)]);
  expect(["cpu", "wasm"].map((name) => tf.engine().registry[name]!.numDataIds())).toEqual(moved);
  for (const { dispose } of sessions) dispose();
});
