/** Too little memory: told before anything is allocated where that can be known, and survived where it cannot. */
import * as ir from "@fusewire/ir";
import { toLowered } from "@fusewire/passes";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebGpuError } from "./device/errors.ts";
import { type OpenDevice, openDevice } from "./device/open_device.ts";
import { createWebGpuEngine, type WebGpuEngine } from "./engine.ts";

const f32 = (...shape: number[]) => ir.tensorType("f32", shape);

/** A product with a matrix, the sum over steps in a state, and a result in scratch memory between them. */
const model = (n: number, k: number, weights = 1): ir.Module =>
  ir.trace({
    step: (t) => {
      let y = t.input("x", f32(1, k));
      for (let w = 0; w < weights; w++)
        y = ir.matmul(y, t.param(`w${w}`, f32(w === weights - 1 ? n : k, k)), { transposeB: true });
      const sum = ir.add(t.state("sum", f32(1, n)), y);
      t.write("sum", sum);
      return { sum: ir.mul(sum, sum) };
    },
  });

const x = (k: number): ReadonlyMap<string, ir.Value> =>
  new Map([["x", { type: f32(1, k), data: new Float32Array(k).fill(1) }]]);

/** Weights of ones. */
const ones = (module: ir.Module) => {
  const types = ir.paramsOf(module);
  return async (name: string): Promise<ir.Value> => {
    const type = types.get(name)!;
    return { type, data: new Float32Array(ir.sizeOf(type.shape)).fill(1) };
  };
};

const compile = (engine: WebGpuEngine, module: ir.Module, weights = engine.createWeights(ones(module))) =>
  engine.compile(toLowered(module), weights);

async function sumOf(engine: WebGpuEngine, module: ir.Module, k: number): Promise<number> {
  const weights = engine.createWeights(ones(module));
  const executable = await compile(engine, module, weights);
  const states = engine.createStates(module.states);
  const outputs = await engine.run(executable, states, x(k));
  for (const part of [executable, states, weights]) part.dispose();
  return outputs.get("sum")!.data[0]!;
}

const nothing = { bytes: 0, tensors: 0 };

/** A device that has memory for buffers of so many bytes in all, and says so as real ones do. */
function withMemory({ device, ...open }: OpenDevice, bytes: number): OpenDevice {
  let used = 0;
  let full = false;
  const scopes: string[] = [];
  const small = new Proxy(device, {
    get(_target, key) {
      if (key === "createBuffer")
        return (descriptor: GPUBufferDescriptor) => {
          const buffer = device.createBuffer(descriptor);
          used += buffer.size;
          full ||= used > bytes;
          const destroy = buffer.destroy.bind(buffer);
          buffer.destroy = () => {
            used -= buffer.size;
            destroy();
          };
          return buffer;
        };
      if (key === "pushErrorScope")
        return (filter: GPUErrorFilter) => {
          scopes.push(filter);
          device.pushErrorScope(filter);
        };
      if (key === "popErrorScope")
        return async () => {
          const told = scopes.pop() === "out-of-memory" && full;
          if (told) full = false;
          const found = await device.popErrorScope();
          return told ? { message: "full" } : found;
        };
      const value: unknown = Reflect.get(device, key);
      return typeof value === "function" ? value.bind(device) : value;
    },
  });
  return { ...open, device: small };
}

describe("on the software adapter", () => {
  let device: OpenDevice;
  beforeAll(async () => {
    device = await openDevice();
  });
  afterAll(() => device.dispose());

  test("a cache that the GPU has no memory for is a typed error, and the engine goes on", async () => {
    const engine = await createWebGpuEngine({ device });
    const module = model(64, 64);
    const executable = await compile(engine, module);
    const held = engine.held();
    const { maxBufferSize } = device.facts.limits;
    // SwiftShader has less memory than the largest buffer it allows.
    const states = engine.createStates([
      ...module.states,
      { name: "keys", type: f32(maxBufferSize / 4) },
      { name: "values", type: f32(1024) },
    ]);
    const runs = [engine.run(executable, states, x(64)), engine.run(executable, states, x(64))];
    for (const failed of await Promise.allSettled(runs))
      expect(failed).toMatchObject({
        reason: { fault: "out-of-memory", bytes: maxBufferSize + 4096 + 256 },
      });
    await expect(engine.readState(states, "values")).rejects.toThrow("shorter max_length");
    expect(device.fault()).toBeUndefined();
    // Beside what was there, memory to read the total back into.
    expect(engine.held().bytes - held.bytes).toBeLessThanOrEqual(16_384);
    states.dispose();
    expect(await sumOf(engine, module, 64)).toBe(64 * 64);
    engine.dispose();
  });

  test.each([
    ["the first weight", 1000],
    ["a later weight", 3 * 64 * 64 * 4 + 1000],
    ["the program's own memory", 4 * 64 * 64 * 4 + 100],
  ])("memory that ends at %s leaves nothing behind, and a smaller model runs", async (_where, bytes) => {
    const engine = await createWebGpuEngine({ device: withMemory(device, bytes) });
    const large = model(64, 64, 4);
    const failed = compile(engine, large);
    await expect(failed).rejects.toBeInstanceOf(WebGpuError);
    await expect(failed).rejects.toMatchObject({ fault: "out-of-memory", bytes: expect.any(Number) });
    await expect(failed).rejects.toThrow("dtype 'q4'");
    expect(engine.held()).toEqual(nothing);
    expect(device.fault()).toBeUndefined();
    engine.dispose();
    const roomy = await createWebGpuEngine({ device: withMemory(device, 1e6) });
    expect(await sumOf(roomy, large, 64)).toBe((64 ** 4) ** 2);
    roomy.dispose();
  });

  test("a program that fails leaves the weights that others use", async () => {
    const [small, large] = [model(64, 64), model(64, 64, 4)];
    const engine = await createWebGpuEngine({ device: withMemory(device, 3.5 * 64 * 64 * 4) });
    const weights = engine.createWeights(ones(large));
    const executable = await compile(engine, small, weights);
    const held = engine.held();
    await expect(compile(engine, large, weights)).rejects.toMatchObject({ fault: "out-of-memory" });
    expect(engine.held()).toEqual(held);
    const states = engine.createStates(small.states);
    const outputs = await engine.run(executable, states, x(64));
    expect(outputs.get("sum")!.data[0]).toBe(64 * 64);
    engine.dispose();
  });

  test("max_memory refuses weights, cache and scratch as one sum, before any weight is read", async () => {
    const module = model(256, 64);
    const asked: string[] = [];
    const source = async (name: string) => {
      asked.push(name);
      return ones(module)(name);
    };
    const needs = { weights: 256 * 64 * 4, states: 256 * 4 };
    const engine = await createWebGpuEngine({ device, max_memory: needs.weights + needs.states });
    await expect(compile(engine, module, engine.createWeights(source))).rejects.toMatchObject({
      fault: "out-of-memory",
      message: expect.stringMatching(
        new RegExp(`weights ${needs.weights}, states ${needs.states}, scratch \\d+.*dtype 'q4'`),
      ),
    });
    expect(asked).toEqual([]);
    expect(engine.held()).toEqual(nothing);
    expect(() => engine.createStates([{ name: "keys", type: f32(1 << 20) }])).toThrow(
      expect.objectContaining({ fault: "out-of-memory", bytes: 4 << 20 }),
    );
    expect(engine.held()).toEqual(nothing);
    engine.dispose();
  });

  test("what no binding of the adapter holds is refused by name: states, weights and results", async () => {
    const engine = await createWebGpuEngine({ device, largest_binding: 4096 });
    const limit = (message: string) =>
      expect.objectContaining({ fault: "limit", message: expect.stringContaining(message) });
    expect(() => engine.createStates([{ name: "keys", type: f32(1025) }])).toThrow(
      limit("state keys f32[1025] takes 4100 bytes, and the adapter binds at most 4096"),
    );
    const scaled = (name: "param" | "input") =>
      ir.trace({ step: (t) => ({ y: ir.mul(t[name]("w", f32(1025)), ir.constant(t.table, 2, "f32")) }) });
    const refused = (module: ir.Module) => compile(engine, module);
    await expect(refused(scaled("param"))).rejects.toThrow(limit("param w takes 4100 bytes"));
    await expect(refused(scaled("input"))).rejects.toThrow(limit("input w takes 4100 bytes"));
    const wide = ir.trace({
      step: (t) => ({ y: ir.reduceSum(ir.broadcastTo(t.input("x", f32(1)), [2000]), 0) }),
    });
    await expect(refused(wide)).rejects.toThrow(limit("a result of broadcast_to takes 8000 bytes"));
    expect(engine.held()).toEqual(nothing);
    engine.dispose();
  });
});
