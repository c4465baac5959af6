import { FusewireError } from "../errors.ts";
import { type Layout, rowBytes, unpackCodes } from "../layouts/index.ts";
import type { Node } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { formatType, sameType, type TensorType } from "../type.ts";
import { emptyValue } from "../value.ts";
import { expandDequantize, type Parts } from "./expand_dequantize.ts";
import { requireBits } from "./quantize.ts";

declare module "../node.ts" {
  interface OpAttrs {
    dequantize: { readonly layout: Layout };
  }
}

/** The inputs in their order, as far as the layout has them. */
function partsOf<T>(inputs: readonly T[], { zeros, permuted }: Layout): Parts<T> {
  const [codes, scales, ...rest] = inputs as readonly [T, T, ...T[]];
  const hasZeros = zeros !== "none";
  const wanted = 2 + Number(hasZeros) + Number(permuted);
  if (inputs.length !== wanted)
    throw new FusewireError(`takes ${wanted} inputs for its layout, not ${inputs.length}`);
  return { codes, scales, zeros: hasZeros ? rest[0] : undefined, order: permuted ? rest.at(-1) : undefined };
}

function requireType(what: string, type: TensorType, want: TensorType): void {
  if (!sameType(type, want))
    throw new FusewireError(`takes ${what} ${formatType(want)}, not ${formatType(type)}`);
}

export const dequantizeOp = defineOp<"dequantize">({
  name: "dequantize",
  arity: [2, 4],
  attrs: { layout: "layout" },
  infer: (types, { layout }) => {
    const { codes, scales, zeros, order } = partsOf(types, layout);
    const groups = scales.shape.at(-1);
    if (scales.dtype !== "f32" || groups === undefined)
      throw new FusewireError("takes scales f32[…, k / group]");
    const lead = scales.shape.slice(0, -1);
    const width = groups * layout.group;
    const own = layout.range === "unsigned" ? "u8" : "i8";
    const dtype = layout.packing === "bytes" ? own : "u8";
    requireType("codes", codes, { dtype, shape: [...lead, rowBytes(layout, width)] });
    if (zeros)
      requireType("zeros", zeros, { dtype: layout.zeros === "float" ? "f32" : own, shape: scales.shape });
    if (order) requireType("the order", order, { dtype: "i32", shape: [width] });
    return { dtype: "f32", shape: [...lead, width] };
  },
  check: ([codes], { layout }) => requireBits("codes", codes!, layout.bits),
  evaluate: (inputs, { layout }, type) => {
    const { codes, scales, zeros, order } = partsOf(inputs, layout);
    const width = type.shape.at(-1)!;
    const found = unpackCodes(layout, codes.data, width);
    const book = layout.codebook;
    const out = emptyValue(type);
    for (let i = 0; i < found.length; i++) {
      const column = i % width;
      // As a gather reads it.
      const place = order ? Math.min(width - 1, Math.max(0, order.data[column]!)) : column;
      const from = i - column + place;
      const group = Math.floor(from / layout.group);
      const value = book ? Math.fround(book[Math.min(book.length - 1, found[from]!)]!) : found[from]!;
      const [scale, zero] = [scales.data[group]!, zeros ? zeros.data[group]! : 0];
      if (layout.zeros === "float") out.data[i] = Math.fround(value * scale) + zero;
      else out.data[i] = Math.fround(value - zero) * scale;
    }
    return out;
  },
  expand: (inputs, { layout }) => expandDequantize(partsOf(inputs, layout), layout),
});

/**
 * The numbers f32[…, k] that codes stand for; see `Layout`. codes: i8[…, k] where they are signed and have a byte each, else
 * u8[…, rowBytes]; scales: f32[…, k / group]; zeros […, k / group], where the layout has them: f32, or integers,
 * i8 for signed codes and u8 for unsigned ones; order, where it is permuted: i32[k], the place of the code of each column.
 */
export const dequantize = (codes: Node, scales: Node, layout: Layout, rest: DequantizeRest = {}): Node =>
  emit(
    dequantizeOp,
    [codes, scales, rest.zeros, rest.order].filter((node) => node !== undefined),
    { layout },
  );

export interface DequantizeRest {
  readonly zeros?: Node | undefined;
  readonly order?: Node | undefined;
}
