import { FusewireError } from "../errors.ts";
import type { Node } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { emptyValue } from "../value.ts";
import { div, sub } from "./binary.ts";
import { eachLine, reduceMax, reduceSum } from "./reduce.ts";
import { exp } from "./unary.ts";

declare module "../node.ts" {
  interface OpAttrs {
    softmax: Record<never, never>;
  }
}

export const softmaxOp = defineOp<"softmax">({
  name: "softmax",
  arity: 1,
  attrs: {},
  infer: ([x]) => {
    if (x!.dtype !== "f32" || x!.shape.length === 0) throw new FusewireError("takes f32 of rank 1 or more");
    return x!;
  },
  evaluate: ([x], _attrs, type) => {
    const out = emptyValue(type);
    eachLine(type.shape, type.shape.length - 1, (start, _stride, n) => {
      let max = Number.NEGATIVE_INFINITY;
      for (let k = 0; k < n; k++) max = Math.max(max, x!.data[start + k]!);
      let sum = 0;
      for (let k = 0; k < n; k++) {
        out.data[start + k] = Math.exp(Math.fround(x!.data[start + k]! - max));
        sum += out.data[start + k]!;
      }
      for (let k = 0; k < n; k++) out.data[start + k]! /= Math.fround(sum);
    });
    return out;
  },
  // Subtracting the largest element changes nothing (it cancels in the quotient) and keeps exp in range.
  expand: ([x]) => {
    const e = exp(sub(x!, reduceMax(x!)));
    return div(e, reduceSum(e));
  },
});

/** exp(x) / sum(exp(x)) over the last axis. A line of -inf throughout gives NaN, as in PyTorch. */
export const softmax = (x: Node): Node => emit(softmaxOp, [x], {});
