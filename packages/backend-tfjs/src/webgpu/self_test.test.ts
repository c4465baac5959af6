import { rootsOf, topological } from "@fusewire/ir";
import { selfTest } from "@fusewire/passes";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type OpenDevice, openDevice } from "./device/open_device.ts";
import { createWebGpuEngine } from "./engine.ts";
import { KERNELS } from "./kernels/index.ts";
import { testVariants } from "./self_test.ts";

vi.setConfig({ testTimeout: 120_000 });

let device: OpenDevice;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.dispose());

/** The ops that a fused chain is made of. */
const namesIn = (body: readonly string[]): string[] => body.flatMap((line) => line.match(/[a-z_]+/g) ?? []);

test("finds nothing wrong with the software adapter, in any variant", async () => {
  const tests = Object.entries(await testVariants(device));
  expect(tests.length).toBeGreaterThan(1);
  for (const [name, { results, ...verdict }] of tests) {
    expect([name, results.filter(({ ok }) => !ok)]).toEqual([name, []]);
    expect([name, verdict]).toEqual([name, { row_stable: true, unstable: [], ok: true }]);
  }
});

test("runs every kernel there is, and notices a device that computes nothing", async () => {
  const engine = await createWebGpuEngine({ dawn: ["backend=null"] });
  const run = new Set<string>();
  const compile: typeof engine.compile = (lowered, weights) => {
    for (const node of topological(rootsOf(lowered.entry)))
      for (const op of node.op === "fused_elementwise" ? [node.op, ...namesIn(node.attrs.body)] : [node.op])
        run.add(op);
    return engine.compile(lowered, weights);
  };
  const { ok } = await selfTest({ ...engine, compile });
  expect(ok).toBe(false);
  expect(Object.keys(KERNELS).filter((op) => !run.has(op))).toEqual([]);
  engine.dispose();
});

test("notices a driver that gets one kernel wrong", async () => {
  const { pipelines } = device;
  const wrong: typeof pipelines = {
    built: 0,
    get: (launch) => pipelines.get({ ...launch, code: launch.code.replaceAll("sqrt(", "abs(") }),
  };
  const engine = await createWebGpuEngine({ device: { ...device, pipelines: wrong } });
  const { ok, results } = await selfTest(engine);
  const failed = results.filter((one) => !one.ok).map(({ kernel }) => kernel);
  expect(ok).toBe(false);
  expect(failed).toContain("functions");
  expect(failed).not.toContain("concat");
  engine.dispose();
});
