/** What happens when the host takes something away: a thread in the middle of a step, or memory. */
import * as ops from "@fusewire/ir";
import { trace } from "@fusewire/ir";
import { randomEnvironment } from "@fusewire/ir/testing";
import { lower } from "@fusewire/passes";
import { afterEach, expect, test, vi } from "vitest";
import { createWasmEngine } from "./engine.ts";
import type { WasmExecutable } from "./executable.ts";

/** A step large enough to be shared, whose pieces need scratch memory of their thread. */
const shared = trace({
  step: (t) => {
    const weight = t.param("w", { dtype: "f32", shape: [2048, 256] });
    return { y: ops.gatedLinear(t.input("x", { dtype: "f32", shape: [2, 256] }), weight, "silu") };
  },
});
const environment = randomEnvironment(shared, 3);
const inputs = new Map([["x", environment.inputs("x")]]);

async function opened(threads: number) {
  const engine = await createWasmEngine({ threads });
  const weights = engine.createWeights(async (name) => environment.params(name));
  const executable = await engine.compile(lower(shared, engine), weights);
  const run = () => engine.run(executable, engine.createStates([]), inputs);
  return { engine, executable: executable as WasmExecutable, run };
}

afterEach(() => void vi.restoreAllMocks());

test("a thread that dies in the middle of a step is an error, and another engine goes on", async () => {
  const { engine, executable, run } = await opened(2);
  const before = await run();
  // The helper's scratch memory now lies outside the memory: it traps while it holds a piece. Thread 0 keeps its own.
  Object.assign(executable, { threadBytes: -(2 ** 31) });
  let failure: unknown;
  // Until the helper is the one to claim a piece.
  while (!failure) await run().catch((error: unknown) => (failure = error));
  expect(String(failure)).toContain("a thread of the wasm engine stopped in the middle of a step");
  await expect(run()).rejects.toThrow("create the engine anew");
  engine.dispose();
  const again = await opened(2);
  expect((await again.run()).get("y")!.data).toEqual(before.get("y")!.data);
  again.engine.dispose();
});

test("a trap in the engine's own thread ends the engine as well, and its helpers", async () => {
  for (const threads of [1, 2]) {
    const { engine, executable, run } = await opened(threads);
    await run();
    const { table, tableEnd } = executable;
    // A table outside the memory.
    Object.assign(executable, { table: 2 ** 32 - 2 ** 17, tableEnd: 2 ** 32 - 2 ** 16 });
    await expect(run()).rejects.toThrow(
      /the wasm engine failed in the middle of 'step' \(RuntimeError: .*\), so the states are not to be trusted; create the engine anew/,
    );
    Object.assign(executable, { table, tableEnd });
    const states = engine.createStates([]);
    await expect(run()).rejects.toThrow("create the engine anew");
    await expect(engine.compile(lower(shared, engine), executable.weights)).rejects.toThrow(
      "create the engine anew",
    );
    await expect(engine.copyStates(states, [])).rejects.toThrow("create the engine anew");
    expect(engine.threads).toBe(1);
    engine.dispose();
  }
});

test("memory that the host refuses is an error that says so: all of it, or more of it", async () => {
  const refuse = (most: number) => {
    const { Memory } = WebAssembly;
    vi.spyOn(WebAssembly, "Memory").mockImplementation(function grant(descriptor) {
      if (descriptor.maximum! > most) throw new RangeError("could not allocate memory");
      return new Memory(descriptor);
    });
  };
  refuse(0);
  await expect(createWasmEngine({ threads: 1 })).rejects.toThrow(
    /the host gives no WebAssembly memory: RangeError: could not allocate memory/,
  );
  vi.restoreAllMocks();

  // As phones do: what is granted is used, and named where it does not suffice.
  for (const threads of [1, 2]) {
    refuse(16384);
    const small = await createWasmEngine({ threads });
    vi.restoreAllMocks();
    expect(() => small.createStates([{ name: "s", type: { dtype: "i8", shape: [2 ** 30] } }])).toThrow(
      /of the 1 GiB that WebAssembly can address here \d+ are free/,
    );
    small.createStates([{ name: "s", type: { dtype: "i8", shape: [2 ** 26] } }]).dispose();
    small.dispose();
  }

  vi.spyOn(WebAssembly.Memory.prototype, "grow").mockImplementation(() => {
    throw new RangeError("failed to grow memory");
  });
  const engine = await createWasmEngine({ threads: 1 });
  expect(() => engine.createStates([{ name: "s", type: { dtype: "f32", shape: [2 ** 24] } }])).toThrow(
    /the host refused \d+ more bytes of memory/,
  );
  vi.restoreAllMocks();
  const states = engine.createStates([{ name: "s", type: { dtype: "f32", shape: [2 ** 24] } }]);
  expect(engine.held().bytes).toBe(2 ** 26);
  states.dispose();
  engine.dispose();
});
