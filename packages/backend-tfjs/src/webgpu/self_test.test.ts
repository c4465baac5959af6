import { rootsOf, topological } from "@fusewire/ir";
import { selfTest } from "@fusewire/passes";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EVERYWHERE } from "../testing/webgpu.ts";
import { workgroupBytes } from "../testing/workgroup_memory.ts";
import { type OpenDevice, openDevice } from "./device/open_device.ts";
import { createWebGpuEngine } from "./engine.ts";
import { KERNELS } from "./kernels/index.ts";
import type { Variant } from "./kernels/kernel.ts";
import { testVariants } from "./self_test.ts";

let device: OpenDevice;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.dispose());

/** The ops that a fused chain is made of. */
const namesIn = (body: readonly string[]): string[] => body.flatMap((line) => line.match(/[a-z_]+/g) ?? []);

test("finds nothing wrong with the software adapter, in any variant", async () => {
  const tests = Object.entries(await testVariants(device));
  expect(tests.map(([name]) => name)).toEqual([
    "a thread a line",
    "workgroups of 32",
    "without an instruction for four bytes",
  ]);
  expect(tests[0]![1].row_stable).toBe(true);
  for (const [name, { results, ...verdict }] of tests) {
    expect([name, results.filter(({ ok }) => !ok)]).toEqual([name, []]);
    expect([name, verdict]).toMatchObject([name, { unstable: [], ok: true }]);
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

/** How kernels are cut for GPUs: with and without subgroups, and where the language lacks an instruction. */
const GPUS: readonly Variant[] = [
  { lanes: 128, shuffles: 32, chunks: "tiles", dot4: true, memory: EVERYWHERE },
  { lanes: 128, shuffles: 1, chunks: "tiles", dot4: false, memory: EVERYWHERE },
  { lanes: 64, shuffles: 8, chunks: "tiles", dot4: true, memory: EVERYWHERE },
  { lanes: 64, shuffles: 1, chunks: "tiles", dot4: false, memory: EVERYWHERE },
  { lanes: 32, shuffles: 32, chunks: "tiles", dot4: true, memory: EVERYWHERE },
  { lanes: 32, shuffles: 4, chunks: "tiles", dot4: false, memory: EVERYWHERE },
];

test.each(GPUS)(
  "compiles as cut for a GPU, and multiplies in tiles and with all lanes: %j",
  async (variant) => {
    const open = await openDevice({ dawn: ["backend=null"] });
    const written: string[] = [];
    const pipelines: typeof open.pipelines = {
      built: 0,
      get(launch) {
        written.push(launch.code);
        return open.pipelines.get(launch);
      },
    };
    const engine = await createWebGpuEngine({ device: { ...open, pipelines }, variant });
    const { results } = await selfTest(engine);
    expect(results.flatMap(({ error }) => error ?? [])).toEqual([]);
    expect(open.fault()).toBeUndefined();
    // Dawn's null backend has more workgroup memory than every device has.
    expect(Math.max(...written.map(workgroupBytes))).toBeLessThanOrEqual(EVERYWHERE);
    // Fewer vectors in a row would leave lanes without work, and a norm before a product keeps it from tiles.
    const products = written.filter((code) => code.includes("fn finish("));
    for (const part of ["var<workgroup> left", `@workgroup_size(${variant.lanes})`])
      expect(products.filter((code) => code.includes(part)).length).toBeGreaterThan(2);
    engine.dispose();
    open.dispose();
  },
);

test("notices a driver that gets one kernel wrong", async () => {
  const { pipelines } = device;
  const wrong: typeof pipelines = {
    built: 0,
    get: (launch) => pipelines.get({ ...launch, code: launch.code.replaceAll("sqrt(", "abs(") }),
  };
  const engine = await createWebGpuEngine({ device: { ...device, pipelines: wrong } });
  const { ok, results } = await selfTest(engine, (kernel) => ["functions", "concat"].includes(kernel));
  const failed = results.filter((one) => !one.ok).map(({ kernel }) => kernel);
  expect(ok).toBe(false);
  expect(failed).toEqual(["functions"]);
  engine.dispose();
});
