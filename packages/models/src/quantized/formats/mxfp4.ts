import { type Layout, layout, type Shape, type Value } from "@fusewire/ir";
import { endingWith, type FormatContext, type QuantizedFormat } from "../format.ts";
import { bytesOfValue, bytesValue, demand, floatsValue, type Packed, turned, unpacked } from "../packed.ts";

/** The values of e2m1: a sign, two bits of exponent, one of mantissa. */
export const E2M1: readonly number[] = [0, 0.5, 1, 1.5, 2, 3, 4, 6, -0, -0.5, -1, -1.5, -2, -3, -4, -6];

const LAYOUT: Layout = layout({ bits: 4, packing: "low", range: "unsigned", codebook: E2M1, group: 32 });

/** A scale of OCP's e8m0: 2^(byte - 127). */
export const powerOfTwo = (byte: number): number => 2 ** (byte - 127);

/** blocks: u8[…, blocks, 16], scales: u8[…, blocks], as rows of codes. */
export function packMxfp4(blocks: Value, scales: Value, what: string): Packed {
  const lead = blocks.type.shape.slice(0, -2);
  const count = blocks.type.shape.at(-2) ?? 0;
  demand(
    blocks.type.shape.at(-1) === 16 && scales.type.shape.join() === [...lead, count].join(),
    `${what}: blocks [${blocks.type.shape}] and scales [${scales.type.shape}] do not fit together`,
  );
  return {
    layout: LAYOUT,
    codes: bytesValue(bytesOfValue(blocks), [...lead, count * 16]),
    scales: floatsValue(Float32Array.from(scales.data, powerOfTwo), [...lead, count]),
  };
}

/** [experts, rows, columns] -> [experts, columns, rows]: the parameter multiplies from the right. */
function turnedExperts({ data, type }: Value): Value {
  const [experts = 0, rows = 0, columns = 0] = type.shape;
  const size = rows * columns;
  const out = new Float32Array(data.length);
  for (let expert = 0; expert < experts; expert++)
    out.set(
      turned((data as Float32Array).subarray(expert * size, (expert + 1) * size), rows, columns),
      expert * size,
    );
  return floatsValue(out, [experts, columns, rows]);
}

/** MXFP4 (OCP Microscaling Formats, 2023) as gpt-oss keeps its experts: `X_blocks` and `X_scales` for X [experts, in, out]. */
export const mxfp4: QuantizedFormat = {
  method: "mxfp4",
  async weights({ checkpoint }: FormatContext) {
    return endingWith(checkpoint, "_blocks").map((name) => {
      const [blocks, scales] = [`${name}_blocks`, `${name}_scales`];
      const [experts = 0, rows = 0, count = 0] = checkpoint.type(blocks)!.shape;
      demand(checkpoint.type(scales) !== undefined, `'${name}' has blocks, but no '${scales}'`);
      const shape: Shape = [experts, 32 * count, rows];
      return {
        name,
        shape,
        parts: [blocks, scales],
        read: async () =>
          turnedExperts(
            unpacked(packMxfp4(await checkpoint.read(blocks), await checkpoint.read(scales), `'${name}'`)),
          ),
      };
    });
  },
};
