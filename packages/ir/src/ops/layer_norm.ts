import { FusewireError } from "../errors.ts";
import type { Node } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { sameShape } from "../type.ts";
import { emptyValue, floats } from "../value.ts";
import { add, div, mul, sub } from "./binary.ts";
import { eachLine, reduceSum } from "./reduce.ts";
import { inverseRoot } from "./rms_norm.ts";
import { rsqrt } from "./unary.ts";

declare module "../node.ts" {
  interface OpAttrs {
    layer_norm: { readonly eps: number };
  }
}

export const layerNormOp = defineOp<"layer_norm">({
  name: "layer_norm",
  arity: 3,
  attrs: { eps: "float" },
  infer: ([x, weight, bias]) => {
    if ([x, weight, bias].some((type) => type!.dtype !== "f32")) throw new FusewireError("takes f32");
    if (x!.shape.length === 0) throw new FusewireError("a scalar has no axis to take the mean over");
    if (![weight, bias].every((type) => sameShape(type!.shape, x!.shape.slice(-1))))
      throw new FusewireError(`weight and bias must be f32[${x!.shape.slice(-1)}]`);
    return x!;
  },
  evaluate: ([x, weight, bias], { eps }, type) => {
    const value = emptyValue(type);
    // Rounded at each step of the plain form, as rms_norm is.
    const round = Math.fround;
    const [source, w, b, out] = [floats(x!), floats(weight!), floats(bias!), floats(value)];
    eachLine(type.shape, type.shape.length - 1, (start, _stride, n) => {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += source[start + k]!;
      const mean = round(round(sum) / n);
      const centred = (k: number) => round(source[start + k]! - mean);
      const scale = inverseRoot(n, eps, centred);
      for (let k = 0; k < n; k++) out[start + k] = round(round(centred(k) * scale) * w[k]!) + b[k]!;
    });
    return value;
  },
  expand: ([x, weight, bias], { eps }) => plainLayerNorm(x!, weight!, bias!, eps),
});

/** The norm in plain ops: what `fuse_norm` recognises. */
export function plainLayerNorm(x: Node, weight: Node, bias: Node, eps: number): Node {
  const n = x.type.shape.at(-1) ?? 1;
  const centred = sub(x, div(reduceSum(x), n));
  const variance = div(reduceSum(mul(centred, centred)), n);
  return add(mul(mul(centred, rsqrt(add(variance, eps))), weight), bias);
}

/**
 * (x - mean) / sqrt(variance + eps) · weight + bias over the last axis (Ba et al. 2016). x: f32[…, n]; weight and
 * bias: f32[n].
 */
export const layerNorm = (x: Node, weight: Node, bias: Node, eps: number): Node =>
  emit(layerNormOp, [x, weight, bias], { eps });
