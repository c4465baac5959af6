import { FusewireError } from "../errors.ts";
import type { Node } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { sameShape } from "../type.ts";
import { emptyValue } from "../value.ts";
import { add, div, mul } from "./binary.ts";
import { eachLine, reduceSum } from "./reduce.ts";
import { rsqrt } from "./unary.ts";

declare module "../node.ts" {
  interface OpAttrs {
    rms_norm: { readonly eps: number };
  }
}

export const rmsNormOp = defineOp<"rms_norm">({
  name: "rms_norm",
  arity: 2,
  attrs: { eps: "float" },
  infer: ([x, weight]) => {
    if (x!.dtype !== "f32" || weight!.dtype !== "f32") throw new FusewireError("takes f32");
    if (x!.shape.length === 0) throw new FusewireError("a scalar has no axis to take the mean over");
    if (!sameShape(weight!.shape, x!.shape.slice(-1)))
      throw new FusewireError(`the weight must be f32[${x!.shape.slice(-1)}]`);
    return x!;
  },
  evaluate: ([x, weight], { eps }, type) => {
    const out = emptyValue(type);
    eachLine(type.shape, type.shape.length - 1, (start, _stride, n) => {
      const scale = inverseRoot(n, eps, (k) => x!.data[start + k]!);
      for (let k = 0; k < n; k++)
        out.data[start + k] = Math.fround(x!.data[start + k]! * scale) * weight!.data[k]!;
    });
    return out;
  },
  expand: ([x, weight], { eps }) => plainRmsNorm(x!, weight!, eps),
});

/**
 * 1 / sqrt(mean(x²) + eps) of n numbers, rounded to f32 at each step of the plain form: a square that no f32 holds makes
 * the norm 0 there, in PyTorch and on every engine.
 */
export function inverseRoot(n: number, eps: number, x: (k: number) => number): number {
  const round = Math.fround;
  let squares = 0;
  for (let k = 0; k < n; k++) squares += round(x(k) * x(k));
  return round(1 / Math.sqrt(round(round(round(squares) / n) + round(eps))));
}

/** weight · x / sqrt(mean(x²) + eps) over the last axis, in plain ops: what `fuse_norm` recognises. */
export function plainRmsNorm(x: Node, weight: Node, eps: number): Node {
  const n = x.type.shape[x.type.shape.length - 1] ?? 1;
  const meanSquare = div(reduceSum(mul(x, x)), n);
  return mul(mul(x, rsqrt(add(meanSquare, eps))), weight);
}

/** Root-mean-square norm over the last axis (Zhang & Sennrich 2019). x: f32[…, n]; weight: f32[n]. */
export const rmsNorm = (x: Node, weight: Node, eps: number): Node => emit(rmsNormOp, [x, weight], { eps });
