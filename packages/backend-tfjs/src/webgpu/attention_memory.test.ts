/** Memory that attention over a prompt takes, found without a device. */
import * as ir from "@fusewire/ir";
import { lower, planMemory, type RowClass, scratchBytes } from "@fusewire/passes";
import { expect, test } from "vitest";
import { VARIANTS } from "../testing/webgpu.ts";
import { webGpuTraits } from "./engine.ts";
import { planStep } from "./kernels/index.ts";

/** Bytes of scratch memory that attention over a prompt takes, as models write it, in the plan and in its kernels. */
function scratchFor(length: number, rows: RowClass): number {
  const module = ir.trace({
    prompt: (t) => {
      const f32 = (name: string, heads: number) =>
        t.input(name, ir.tensorType("f32", [1, heads, length, 64]));
      const [lo, hi] = ["lo", "hi"].map((name) => t.input(name, ir.tensorType("i32", [1, length])));
      const attrs = { scale: 0.125, softcap: 0, ring: false };
      const row = ir.constant(t.table, 0, "i32", [1]);
      const [keys, values] = [ir.gather(f32("k", 2), row), ir.gather(f32("v", 2), row)];
      const y = ir.plainAttention(f32("q", 8), keys, values, lo!, hi!, attrs);
      return { y: ir.reduceSum(y, 3) };
    },
  });
  const program = planMemory(lower(module, webGpuTraits, { rows }), webGpuTraits);
  const variant = VARIANTS["a workgroup a line"]!;
  const handed = program.steps.flatMap(({ kernel, reads, write, attrs }) => {
    const types = reads.map(({ type }) => type);
    // What has no inputs is made on the host.
    if (reads.length === 0) return [];
    return planStep(kernel, { reads: types, write: write.type, attrs, rows }, variant).scratch ?? [];
  });
  return scratchBytes(program) + handed.reduce((sum, bytes) => sum + bytes, 0);
}

test.each<RowClass>(["chunk", "few"])("memory for a prompt of 8k tokens is linear: %s", (rows) => {
  const [half, whole] = [scratchFor(4096, rows), scratchFor(8192, rows)];
  expect(whole).toBeLessThanOrEqual(2 * half);
  // The scores of a single head would take this much.
  expect(whole).toBeLessThan(8192 * 8192 * 4);
});
