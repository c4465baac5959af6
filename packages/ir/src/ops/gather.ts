import { FusewireError } from "../errors.ts";
import type { Node } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { sameShape, sizeOf } from "../type.ts";
import { emptyValue } from "../value.ts";

declare module "../node.ts" {
  interface OpAttrs {
    gather: { readonly batch: number };
  }
}

export const gatherOp = defineOp<"gather">({
  name: "gather",
  arity: 2,
  attrs: { batch: "int" },
  infer: ([x, index], { batch }) => {
    if (index!.dtype !== "i32") throw new FusewireError("indices must be i32");
    if (
      batch < 0 ||
      x!.shape.length <= batch ||
      !sameShape(x!.shape.slice(0, batch), index!.shape.slice(0, batch))
    )
      throw new FusewireError(`the first ${batch} axes must agree, and one more is gathered from`);
    return { dtype: x!.dtype, shape: [...index!.shape, ...x!.shape.slice(batch + 1)] };
  },
  evaluate: ([x, index], { batch }, type) => {
    const out = emptyValue(type);
    const batches = sizeOf(x!.type.shape.slice(0, batch));
    const n = x!.type.shape[batch]!;
    const row = sizeOf(x!.type.shape.slice(batch + 1));
    const perBatch = index!.data.length / batches;
    for (let i = 0; i < index!.data.length; i++) {
      // Out of range reads the nearest end, as GPU engines must do for memory safety; callers check ids at the door.
      const k = Math.min(n - 1, Math.max(0, index!.data[i]!));
      const from = (Math.floor(i / perBatch) * n + k) * row;
      for (let r = 0; r < row; r++) out.data[i * row + r] = x!.data[from + r]!;
    }
    return out;
  },
});

/**
 * Picks entries by index. With `batch` leading axes shared by both: x[b…, n, rest…] and index i32[b…, i…] give
 * [b…, i…, rest…]. Indices outside 0..n-1 are clamped.
 */
export const gather = (x: Node, index: Node, batch = 0): Node => emit(gatherOp, [x, index], { batch });
