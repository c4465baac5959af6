/** A layout that no engine has a kernel for: 5 bits that pick from a codebook, permuted, with zeros of floats. */
import { type Layout, layout, rowBytes } from "../layouts/index.ts";
import type { Tracer } from "../module.ts";
import type { Node } from "../node.ts";
import { constant, dequantize } from "../ops/index.ts";

export const madeUp: Layout = layout({
  bits: 5,
  packing: "high",
  range: "unsigned",
  codebook: Array.from({ length: 32 }, (_, code) => Math.fround(Math.sinh((code - 15) / 8))),
  group: 6,
  zeros: "float",
  permuted: true,
});

/** Rows f32[3, 24] in that layout, whose parts are inputs: nothing of it is computed while loading. */
export function madeUpRows(t: Tracer): Node {
  const [rows, width] = [3, 24];
  const codes = t.input("codes", { dtype: "u8", shape: [rows, rowBytes(madeUp, width)] });
  const groups = { dtype: "f32", shape: [rows, width / madeUp.group] } as const;
  const order = Array.from({ length: width }, (_, column) => (column * 7) % width);
  return dequantize(codes, t.input("scales", groups), madeUp, {
    zeros: t.input("zeros", groups),
    order: constant(codes.table, order, "i32", [width]),
  });
}
