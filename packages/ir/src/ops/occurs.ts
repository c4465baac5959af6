import { FusewireError } from "../errors.ts";
import type { Node } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { emptyValue } from "../value.ts";

declare module "../node.ts" {
  interface OpAttrs {
    occurs: { readonly size: number };
  }
}

export const occursOp = defineOp<"occurs">({
  name: "occurs",
  arity: 2,
  attrs: { size: "int" },
  infer: ([ids, lengths], { size }) => {
    const [batch] = ids!.shape;
    const fits =
      ids!.dtype === "i32" &&
      ids!.shape.length === 2 &&
      lengths!.dtype === "i32" &&
      lengths!.shape.length === 1;
    if (!fits || lengths!.shape[0] !== batch)
      throw new FusewireError("takes ids i32[B, L] and lengths i32[B]");
    return { dtype: "bool", shape: [batch!, size] };
  },
  evaluate: ([ids, lengths], { size }, type) => {
    const out = emptyValue(type);
    const [batch, n] = ids!.type.shape as [number, number];
    for (let b = 0; b < batch; b++)
      for (let j = 0; j < Math.min(n, lengths!.data[b]!); j++) {
        const id = ids!.data[b * n + j]!;
        if (id >= 0 && id < size) out.data[b * size + id] = 1;
      }
    return out;
  },
});

/** bool[B, size]: whether id v stands among the first lengths[b] of ids[b]. */
export const occurs = (ids: Node, lengths: Node, size: number): Node =>
  emit(occursOp, [ids, lengths], { size });
