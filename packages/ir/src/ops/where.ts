import { FusewireError } from "../errors.ts";
import type { Node } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { scalarLike } from "./constant.ts";
import { broadcastAll, mapElements, requireDType } from "./elementwise.ts";

declare module "../node.ts" {
  interface OpAttrs {
    where: Record<never, never>;
  }
}

export const whereOp = defineOp<"where">({
  name: "where",
  arity: 3,
  attrs: {},
  infer: (types) => {
    if (types[0]!.dtype !== "bool") throw new FusewireError("the condition must be bool");
    const dtype = requireDType(types.slice(1), ["f32", "i32", "u32", "bool"]);
    return { dtype, shape: broadcastAll(types) };
  },
  evaluate: (inputs, _attrs, type) => mapElements(inputs, type, (condition, a, b) => (condition ? a : b)),
  scalar: (condition, a, b) => (condition ? a : b),
});

/** `a` where the condition holds, else `b`; all three broadcast. */
export function where(condition: Node, a: Node | number, b: Node | number): Node {
  const like = typeof a !== "number" ? a : typeof b !== "number" ? b : undefined;
  if (!like) throw new Error("where needs a tensor as one of its branches");
  const lift = (x: Node | number) => (typeof x === "number" ? scalarLike(like, x) : x);
  return emit(whereOp, [condition, lift(a), lift(b)], {});
}
