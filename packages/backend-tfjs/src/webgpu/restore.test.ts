/** A device that is lost: typed errors, and another device on which the same engine goes on. */
import * as ir from "@fusewire/ir";
import { toLowered } from "@fusewire/passes";
import { expect, test } from "vitest";
import { openDevice } from "./device/open_device.ts";
import { createWebGpuEngine, type WebGpuEngine } from "./engine.ts";

const pair = ir.tensorType("f32", [2]);
const value = (...numbers: number[]) => ir.toValue(pair, numbers);

/** Adds an input, scaled by a weight, to a running total. */
const module = ir.trace({
  add: (t) => {
    const next = ir.add(t.state("total", pair), ir.mul(t.input("by", pair), t.param("scale", pair)));
    t.write("total", next);
    return { total: next };
  },
});

/** A program with states and weights on an engine; `reads` counts how often the weight was read. */
async function setUp(engine: WebGpuEngine) {
  const reads: string[] = [];
  const weights = engine.createWeights(async (name) => {
    reads.push(name);
    return value(2, 3);
  });
  const compile = () => engine.compile(toLowered(module), weights);
  const create = () => engine.createStates(module.states);
  return { reads, weights, compile, create };
}

const inputs = new Map([["by", value(1, 10)]]);
const lost = { fault: "lost", message: expect.stringContaining("model.restore()") };

test("a lost device is a typed error, also for a step under way; restored, weights are read again and states made anew", async () => {
  const engine = await createWebGpuEngine();
  const { reads, weights, compile, create } = await setUp(engine);
  const [executable, states] = [await compile(), create()];
  const run = () => engine.run(executable, states, inputs);
  expect([...(await run()).get("total")!.data]).toEqual([2, 30]);
  await engine.restore();
  expect([...(await run()).get("total")!.data], "nothing was lost, nothing changes").toEqual([4, 60]);

  const underWay = run();
  engine.device.device.destroy();
  await expect(underWay).rejects.toMatchObject(lost);
  await expect(run()).rejects.toMatchObject(lost);
  await expect(compile()).rejects.toMatchObject(lost);
  await expect(engine.readState(states, "total")).rejects.toMatchObject(lost);
  expect([executable.lost, states.lost]).toEqual([false, false]);

  await Promise.all([engine.restore(), engine.restore()]);
  expect([executable.lost, states.lost]).toEqual([true, true]);
  expect(engine.held()).toEqual({ bytes: 0, tensors: 0 });
  const gone = { fault: "lost", message: expect.stringContaining("went with a WebGPU device") };
  const [again, fresh] = [await compile(), create()];
  await expect(engine.run(executable, fresh, inputs)).rejects.toMatchObject(gone);
  await expect(engine.run(again, states, inputs)).rejects.toMatchObject(gone);
  await expect(engine.readState(states, "total")).rejects.toMatchObject(gone);
  await expect(engine.copyStates(states, module.states)).rejects.toMatchObject(gone);
  expect([...(await engine.run(again, fresh, inputs)).get("total")!.data]).toEqual([2, 30]);
  expect(reads).toEqual(["scale", "scale"]);

  for (const part of [executable, states, again, fresh, weights]) part.dispose();
  engine.dispose();
});

test("engines that share a device share the one that takes its place, and may lose that too", async () => {
  const device = await openDevice();
  const engines = [await createWebGpuEngine({ device }), await createWebGpuEngine({ device })];
  for (let time = 0; time < 2; time++) {
    engines[0]!.device.device.destroy();
    await engines[0]!.device.device.lost;
    for (const engine of engines) await engine.restore();
    expect(engines[0]!.device).toBe(engines[1]!.device);
    expect(engines[0]!.device.fault()).toBeUndefined();
    for (const engine of engines) {
      const { compile, create } = await setUp(engine);
      const outputs = await engine.run(await compile(), create(), inputs);
      expect([...outputs.get("total")!.data]).toEqual([2, 30]);
    }
  }
  for (const engine of engines) engine.dispose();
  device.dispose();
  expect((await engines[0]!.device.device.lost).reason).toBe("destroyed");
});

test("kernels are cut for the device that takes the place of a lost one", async () => {
  const device = await openDevice();
  const reopen = async () => ({ ...(await device.reopen()), subgroups: { claimed: 4, width: 2 } });
  const engine = await createWebGpuEngine({ device: { ...device, reopen } });
  engine.variants.use("workgroups of 32");
  expect(engine.variant).toMatchObject({ name: "workgroups of 32", shuffles: 4 });
  device.device.destroy();
  await device.device.lost;
  await engine.restore();
  expect(engine.variant).toMatchObject({ name: "workgroups of 32", shuffles: 2 });
  engine.dispose();
  device.dispose();
});

test("what WebGPU refuses ends the engine until it is restored", async () => {
  const engine = await createWebGpuEngine();
  const { compile, create } = await setUp(engine);
  const [executable, states] = [await compile(), create()];
  const { device } = engine.device;
  device.queue.writeBuffer(device.createBuffer({ size: 16, usage: 1 | 8 }), 4, new Uint8Array(16));
  await device.queue.onSubmittedWorkDone();
  await expect(engine.run(executable, states, inputs)).rejects.toMatchObject({ fault: "refused" });
  await engine.restore();
  const outputs = await engine.run(await compile(), create(), inputs);
  expect([...outputs.get("total")!.data]).toEqual([2, 30]);
  engine.dispose();
});
