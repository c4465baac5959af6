/** Scales that other engines have searched by the kernel have the bits of the op's own evaluation. */
import {
  cast,
  groupScales,
  integers,
  type NodeOf,
  NodeTable,
  param,
  tensorType,
  toValue,
} from "@fusewire/ir";
import { evaluatePrepared } from "@fusewire/passes";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createWasmEngine } from "./index.ts";

const WIDTH = 256;

test.each([
  ["f32", 4, 32],
  ["bf16", 4, 64],
  ["bf16", 8, 128],
] as const)("weights in %s, %d bits, groups of %d", async (dtype, bits, group) => {
  const engine = await createWasmEngine({ threads: 1 });
  const type = tensorType(dtype, [5, WIDTH]);
  const weight = param(new NodeTable(), "w", type);
  const x = dtype === "f32" ? weight : cast(weight, "f32");
  const scales = groupScales(x, integers(bits, group), bits === 4) as NodeOf<"group_scales">;
  const size = 5 * WIDTH;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -4, max: 4 }), {
        minLength: size,
        maxLength: size,
      }),
      async (numbers) => {
        const source = async () => toValue(type, numbers);
        expect(await engine.groupScales!(scales, source)).toEqual(await evaluatePrepared(scales, source));
      },
    ),
    { numRuns: 20 },
  );
  await engine.dispose();
});
