import { FusewireError } from "../errors.ts";
import { isIntegers, type Layout } from "../layouts/index.ts";
import type { Node } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import type { TensorType } from "../type.ts";
import { emptyValue, type Value } from "../value.ts";
import { type Activation, activationOf } from "./activation.ts";
import { epilogueOf } from "./epilogue.ts";
import { linearOp } from "./linear.ts";
import { requireBits } from "./quantize.ts";

interface QuantizedAttrs {
  /** Of the weight: integers of 8 or 4 bits (any byte, or -8..7). Rows have 7 bits (-64..63) and the same groups. */
  readonly layout: Layout;
  readonly activation: string;
  readonly bias: boolean;
  readonly residual: boolean;
  /** The weight holds gate rows, then as many up rows; see `gated_linear`. */
  readonly gated: boolean;
}

declare module "../node.ts" {
  interface OpAttrs {
    quantized_matmul: QuantizedAttrs;
  }
}

/** Bits of a row's integers at most, so that the sum of two products with bytes fits the 16 bits that SIMD has for it. */
const ROW_BITS = 7;

const asFloats = (type: TensorType): TensorType => ({ dtype: "f32", shape: type.shape });

export const quantizedMatmulOp = defineOp<"quantized_matmul">({
  name: "quantized_matmul",
  arity: [4, 6],
  attrs: { layout: "layout", activation: "string", bias: "bool", residual: "bool", gated: "bool" },
  infer: ([x, xScales, codes, scales, ...rest], { layout, activation, bias, residual, gated }) => {
    const { bits, group } = layout;
    if (x!.dtype !== "i8" || codes!.dtype !== "i8") throw new FusewireError("takes rows and weights as i8");
    if (!isIntegers(layout) || layout.zeros !== "none" || bits === 7)
      throw new FusewireError("weights are integers of 8 or 4 bits, without zeros");
    for (const [type, own] of [
      [x!, xScales!],
      [codes!, scales!],
    ] as const) {
      const k = type.shape.at(-1)!;
      const want = [...type.shape.slice(0, -1), k / group];
      if (k % group !== 0 || own.dtype !== "f32" || own.shape.join() !== want.join())
        throw new FusewireError(`takes one scale for each ${group} elements of a row`);
    }
    if (gated && (residual || codes!.shape[0]! % 2 !== 0))
      throw new FusewireError("a gated weight holds as many gate rows as up rows, and takes no residual");
    const half = (type: TensorType): TensorType => ({
      dtype: "f32",
      shape: [...type.shape.slice(0, -1), type.shape.at(-1)! / 2],
    });
    const out = linearOp.infer([asFloats(x!), asFloats(codes!), ...rest], { activation, bias, residual });
    return gated ? half(out) : out;
  },
  check: ([x, , codes], { layout: { bits } }) => {
    requireBits("rows", x!, ROW_BITS);
    requireBits("weights", codes!, bits);
  },
  evaluate: (
    [x, xScales, codes, scales, ...rest],
    { layout: { group, bits }, activation, gated, ...flags },
    type,
  ) => {
    requireRange("rows", x!, ROW_BITS);
    requireRange("weights", codes!, bits);
    const sums = multiply(x!, xScales!, codes!, scales!, group);
    const out = emptyValue(type);
    const n = codes!.type.shape[0]!;
    const columns = type.shape.at(-1)!;
    const { bias, residual } = epilogueOf(rest, flags);
    const { scalar } = activationOf(activation);
    const biased = (row: number, j: number): number => {
      const sum = sums[row * n + j]!;
      return bias ? Math.fround(sum + bias.data[j]!) : sum;
    };
    for (let i = 0; i < out.data.length; i++) {
      const [row, j] = [Math.floor(i / columns), i % columns];
      const y = Math.fround(scalar(biased(row, j)));
      if (gated) out.data[i] = y * biased(row, j + columns);
      else out.data[i] = residual ? y + residual.data[i]! : y;
    }
    return out;
  },
});

/** Integers that come from outside the graph are looked at here; engines trust them. */
function requireRange(what: string, { data }: Value, bits: number): void {
  const high = 2 ** (bits - 1) - 1;
  const low = -high - 1;
  const outside = data.find((code) => code < low || code > high);
  if (outside !== undefined)
    throw new FusewireError(`quantized_matmul takes ${what} from ${low} to ${high}, and one is ${outside}`);
}

/** For each group one exact integer sum, then acc + f32(sum) · (scale of weight · scale of row), every step rounded to f32. */
function multiply(x: Value, xScales: Value, codes: Value, scales: Value, group: number): Float32Array {
  const k = codes.type.shape[1]!;
  const n = codes.type.shape[0]!;
  const m = x.data.length / k;
  const groups = k / group;
  const out = new Float32Array(m * n);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      let acc = 0;
      for (let g = 0; g < groups; g++) {
        let sum = 0;
        for (let q = g * group; q < (g + 1) * group; q++) sum += x.data[i * k + q]! * codes.data[j * k + q]!;
        const step = Math.fround(scales.data[j * groups + g]! * xScales.data[i * groups + g]!);
        acc = Math.fround(acc + Math.fround(Math.fround(sum) * step));
      }
      out[i * n + j] = acc;
    }
  return out;
}

/**
 * The product of quantized rows and a quantized weight, with the epilogue of `linear` or, gated, of `gated_linear`.
 * x: i8[…, m, k] of 7 bits (-64..63) with xScales f32[…, m, k / group]; codes: i8[n, k] of 8 or 4 bits with scales f32[n, k / group] as
 * `layout` says; the result is
 * f32[…, m, n], or n / 2 when gated.
 */
export function quantizedMatmul(
  x: Node,
  xScales: Node,
  codes: Node,
  scales: Node,
  {
    layout,
    activation = "none",
    bias,
    residual,
    gated = false,
  }: {
    readonly layout: Layout;
    readonly activation?: Activation;
    readonly bias?: Node | undefined;
    readonly residual?: Node | undefined;
    readonly gated?: boolean;
  },
): Node {
  const extras = [bias, residual].filter((node) => node !== undefined);
  return emit(quantizedMatmulOp, [x, xScales, codes, scales, ...extras], {
    layout,
    activation,
    bias: !!bias,
    residual: !!residual,
    gated,
  });
}
