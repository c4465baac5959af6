import { type DType, isDType } from "../dtype.ts";
import { FusewireError } from "../errors.ts";
import type { Node } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { castValue } from "../value.ts";

declare module "../node.ts" {
  interface OpAttrs {
    cast: { readonly to: string };
  }
}

export const castOp = defineOp<"cast">({
  name: "cast",
  arity: 1,
  attrs: { to: "string" },
  infer: ([x], { to }) => {
    if (!isDType(to)) throw new FusewireError(`unknown dtype '${to}'`);
    return { dtype: to, shape: x!.shape };
  },
  evaluate: ([x], _attrs, type) => castValue(x!, type.dtype),
});

/** Converts elements: floats round to nearest even, integers truncate towards zero and saturate. */
export const cast = (x: Node, to: DType): Node => (x.type.dtype === to ? x : emit(castOp, [x], { to }));
