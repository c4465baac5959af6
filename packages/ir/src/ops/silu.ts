import type { Node } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { add, div } from "./binary.ts";
import { mapElements, requireDType } from "./elementwise.ts";
import { exp, neg } from "./unary.ts";

declare module "../node.ts" {
  interface OpAttrs {
    silu: Record<never, never>;
  }
}

/** Rounded at each step of the expansion: where exp(-x) is beyond f32, the result is -0. */
const scalar = (x: number): number => x / Math.fround(1 + Math.fround(Math.exp(-x)));

export const siluOp = defineOp<"silu">({
  name: "silu",
  arity: 1,
  attrs: {},
  infer: (types) => ({ dtype: requireDType(types, ["f32"]), shape: types[0]!.shape }),
  evaluate: (inputs, _attrs, type) => mapElements(inputs, type, scalar),
  expand: ([x]) => div(x!, add(exp(neg(x!)), 1)),
  scalar,
});

/** x · sigmoid(x), also called swish. */
export const silu = (x: Node): Node => emit(siluOp, [x], {});
