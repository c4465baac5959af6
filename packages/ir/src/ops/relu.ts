import type { Node } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { max } from "./binary.ts";
import { mapElements, requireDType } from "./elementwise.ts";

declare module "../node.ts" {
  interface OpAttrs {
    relu: Record<never, never>;
  }
}

const scalar = (x: number): number => Math.max(x, 0);

export const reluOp = defineOp<"relu">({
  name: "relu",
  arity: 1,
  attrs: {},
  infer: (types) => ({ dtype: requireDType(types, ["f32"]), shape: types[0]!.shape }),
  evaluate: (inputs, _attrs, type) => mapElements(inputs, type, scalar),
  expand: ([x]) => max(x!, 0),
  scalar,
});

/** max(x, 0). */
export const relu = (x: Node): Node => emit(reluOp, [x], {});
