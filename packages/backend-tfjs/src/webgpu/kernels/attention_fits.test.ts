/** Workgroup memory of attention, found without a device: the software adapter has more of it than GPUs must have. */
import * as ir from "@fusewire/ir";
import { expect, test } from "vitest";
import { EVERYWHERE } from "../../testing/webgpu.ts";
import { workgroupBytes } from "../../testing/workgroup_memory.ts";
import { planStep } from "./index.ts";
import type { Variant } from "./kernel.ts";

const VARIANTS = [32, 64, 128].flatMap((lanes) =>
  [1, 2, 4, 8, 16, 32].map(
    (shuffles): Variant => ({ lanes, shuffles, chunks: "tiles", dot4: true, memory: EVERYWHERE }),
  ),
);
const WIDTHS = [16, 32, 64, 80, 96, 112, 120, 128, 160, 192, 256, 512, 576, 1024, 8192];

/** The most that a workgroup takes for so many query heads on a key head. */
function memoryOf(variant: Variant, width: number, shared: number, kind: "few" | "chunk", coded: boolean) {
  const f32 = (...shape: number[]) => ir.tensorType("f32", shape);
  const length = kind === "few" ? 1 : 64;
  const q = f32(1, 2 * shared, length, width);
  const cache = ir.tensorType(coded ? "i8" : "f32", [1, 2, 256, width]);
  const scales = coded ? [f32(1, 2, 256), f32(1, 2, 256)] : [];
  const [row, bound] = [ir.tensorType("i32", [1]), ir.tensorType("i32", [1, length])];
  const attrs = { scale: 1, softcap: 0, ring: false };
  const step = { reads: [q, cache, cache, row, bound, bound, ...scales], write: q, attrs, rows: kind };
  return Math.max(...planStep("attention", step, variant).launches.map(({ code }) => workgroupBytes(code)));
}

test.each(WIDTHS)("heads of %i fit in the memory that every device has, however lanes join", (width) => {
  for (const variant of VARIANTS)
    for (const shared of [1, 3, 4, 7, 8, 16])
      for (const kind of ["few", "chunk"] as const)
        for (const coded of [false, true])
          expect(memoryOf(variant, width, shared, kind, coded)).toBeLessThanOrEqual(variant.memory);
});

test("a device with less or more memory gets as much as it has room for", () => {
  const usual = VARIANTS[0]!;
  const taken = [4096, EVERYWHERE, 2 * EVERYWHERE].map((memory) => {
    const bytes = memoryOf({ ...usual, memory }, 128, 16, "few", false);
    expect(bytes).toBeLessThanOrEqual(memory);
    return bytes;
  });
  expect(taken).toEqual([...taken].sort((a, b) => a - b));
  // 16 lines of 128 floats with 64 weights and 64 sums each, and where their run begins and ends.
  expect(taken[2]).toBe(16 * 4 * (128 + 64 + 64) + 16);
});
