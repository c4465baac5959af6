import { FusewireError } from "../errors.ts";
import type { Node } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { emptyValue } from "../value.ts";
import { eachLine } from "./reduce.ts";

declare module "../node.ts" {
  interface OpAttrs {
    argsort: { readonly descending: boolean };
  }
}

/** NaN is above every number and equal to itself, as in torch.sort; so the order is one, whoever sorts. */
export function compareNumbers(a: number, b: number): number {
  if (a === b) return 0;
  if (a < b) return -1;
  if (a > b) return 1;
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}

export const argsortOp = defineOp<"argsort">({
  name: "argsort",
  arity: 1,
  attrs: { descending: "bool" },
  infer: ([x]) => {
    if (x!.dtype !== "f32" && x!.dtype !== "i32") throw new FusewireError("takes f32 or i32");
    if (x!.shape.length === 0) throw new FusewireError("cannot sort a scalar");
    return { dtype: "i32", shape: x!.shape };
  },
  evaluate: ([x], { descending }, type) => {
    const out = emptyValue(type);
    const sign = descending ? -1 : 1;
    eachLine(type.shape, type.shape.length - 1, (start, _stride, n) => {
      const order = Array.from({ length: n }, (_, k) => k);
      const at = (k: number) => x!.data[start + k]!;
      order.sort((a, b) => sign * compareNumbers(at(a), at(b)) || a - b);
      out.data.set(order, start);
    });
    return out;
  },
});

/** The order that sorts the last axis (i32 indices); equal elements keep their order, and NaN counts as the largest. */
export const argsort = (x: Node, descending: boolean): Node => emit(argsortOp, [x], { descending });
