import { expect, test } from "vitest";
import { onEachVariant } from "../testing/webgpu.ts";
import { createWebGpuEngine, type WebGpuEngine } from "./engine.ts";
import { selfTest } from "./self_test.ts";

onEachVariant((engine) => {
  test("finds nothing wrong with the software adapter", async () => {
    const { results, ...verdict } = await selfTest(engine() as WebGpuEngine);
    expect(verdict).toEqual({ row_stable: true, ok: true });
    expect(results.filter(({ ok }) => !ok)).toEqual([]);
  });
});

test("notices a device that computes nothing", async () => {
  const engine = await createWebGpuEngine({ dawn: ["backend=null"] });
  const { ok } = await selfTest(engine);
  expect(ok).toBe(false);
  engine.dispose();
});
