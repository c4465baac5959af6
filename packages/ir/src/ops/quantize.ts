/** Rows as small integers with one scale a group of neighbours: how weights and activations are rounded. */
import { FusewireError } from "../errors.ts";
import { isIntegers, type Layout, limits } from "../layouts/index.ts";
import type { Node } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { formatType, sameType, type TensorType } from "../type.ts";
import { emptyValue, floats } from "../value.ts";

interface RoundedAttrs {
  /** One of `layouts/integers.ts`. */
  readonly layout: Layout;
}

declare module "../node.ts" {
  interface OpAttrs {
    /** `search` looks for the scale with the least squared error, as weights deserve; without it the largest element decides. */
    group_scales: RoundedAttrs & { readonly search: boolean };
    quantize_rows: RoundedAttrs;
  }
}

function requireIntegers(layout: Layout): void {
  if (!isIntegers(layout) || layout.zeros !== "none")
    throw new FusewireError("rows are rounded to the integers of 4, 7 or 8 bits, without zeros");
}

/** f32[…, k] -> f32[…, k / group]. */
export function scalesType(x: TensorType, { group }: Layout): TensorType {
  const k = x.shape.at(-1);
  if (x.dtype !== "f32" || k === undefined) throw new FusewireError("takes f32 of rank 1 or more");
  if (k % group !== 0) throw new FusewireError(`groups of ${group} do not divide rows of ${k}`);
  return { dtype: "f32", shape: [...x.shape.slice(0, -1), k / group] };
}

/** The bits that `quantize_rows` gave the integers of a node, also where they were moved since; 0 where it was not used. */
function bitsOf(codes: Node): number {
  if (codes.op === "quantize_rows") return codes.attrs.layout.bits;
  return Math.max(0, ...codes.inputs.filter(({ type }) => type.dtype === "i8").map(bitsOf));
}

/** Refuses integers that were made with more bits than whoever reads them takes. */
export function requireBits(what: string, codes: Node, bits: number): void {
  const own = bitsOf(codes);
  if (own > bits)
    throw new FusewireError(`takes ${what} of ${bits} bits, not ${own}; give quantize_rows ${bits} bits`);
}

/** x / scale as an integer: one f32 division, halves to even, clamped; 0 where the scale is. */
function code(x: number, scale: number, low: number, high: number): number {
  if (scale === 0) return 0;
  const q = Math.fround(x / scale);
  const floor = Math.floor(q);
  const rest = q - floor;
  const rounded = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
  return Math.min(high, Math.max(low, rounded));
}

/** What the search divides the largest element by, in parts of either limit. */
const STRETCHES = [1, 0.86, 0.93, 1.07, 1.14] as const;

/**
 * The scale with the least squared error among a few: the largest element divided by about either limit, then fitted
 * by least squares to the integers that it gives. Plain sums over plain numbers, for it sees every weight of a model.
 */
function searchScale(
  x: Float32Array,
  from: number,
  to: number,
  largest: number,
  low: number,
  high: number,
): number {
  let best = Math.fround(Math.abs(largest) / high);
  // The squared error is the sum of squares less this; so the largest gain is the least error.
  let most = 0;
  for (const limit of [low, high])
    for (const stretch of STRETCHES) {
      const inverse = (limit * stretch) / largest;
      let products = 0;
      let squares = 0;
      for (let k = from; k < to; k++) {
        const value = x[k]!;
        const near = Math.floor(value * inverse + 0.5);
        const q = Math.max(low, Math.min(high, near));
        products += value * q;
        squares += q * q;
      }
      const gain = squares === 0 ? 0 : (products * products) / squares;
      if (gain > most) {
        most = gain;
        best = Math.fround(products / squares);
      }
    }
  return best;
}

export const groupScalesOp = defineOp<"group_scales">({
  name: "group_scales",
  arity: 1,
  attrs: { layout: "layout", search: "bool" },
  infer: ([x], { layout }) => {
    requireIntegers(layout);
    return scalesType(x!, layout);
  },
  evaluate: ([x], { layout, search }, type) => {
    const out = emptyValue(type);
    const data = floats(x!);
    const { group } = layout;
    const [low, high] = limits(layout);
    for (let g = 0; g < out.data.length; g++) {
      let largest = 0;
      for (let k = g * group; k < (g + 1) * group; k++)
        if (Math.abs(data[k]!) > Math.abs(largest)) largest = data[k]!;
      out.data[g] =
        search && largest !== 0
          ? searchScale(data, g * group, (g + 1) * group, largest, low, high)
          : Math.abs(largest) / high;
    }
    return out;
  },
});

export const quantizeRowsOp = defineOp<"quantize_rows">({
  name: "quantize_rows",
  arity: 2,
  attrs: { layout: "layout" },
  infer: ([x, scales], { layout }) => {
    requireIntegers(layout);
    const want = scalesType(x!, layout);
    if (!sameType(scales!, want)) throw new FusewireError(`takes scales ${formatType(want)}`);
    return { dtype: "i8", shape: x!.shape };
  },
  evaluate: ([x, scales], { layout }, type) => {
    const out = emptyValue(type);
    const { group } = layout;
    const [low, high] = limits(layout);
    const data = floats(x!);
    for (let g = 0; g < scales!.data.length; g++) {
      const scale = scales!.data[g]!;
      for (let k = g * group; k < (g + 1) * group; k++) out.data[k] = code(data[k]!, scale, low, high);
    }
    return out;
  },
});

/** One scale for each group of a row: the step between the integers of `layout`. x: f32[…, k]; the scales f32[…, k / group]. */
export const groupScales = (x: Node, layout: Layout, search = false): Node =>
  emit(groupScalesOp, [x], { layout, search });

/** Rows as integers, i8[…, k]: x / scale of its group, rounded half to even. scales: f32[…, k / group]. */
export const quantizeRows = (x: Node, scales: Node, layout: Layout): Node =>
  emit(quantizeRowsOp, [x, scales], { layout });
