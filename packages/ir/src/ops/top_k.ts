import { FusewireError } from "../errors.ts";
import type { Node } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { sameShape, type TensorType } from "../type.ts";
import { emptyValue, floats } from "../value.ts";
import { argsort } from "./argsort.ts";
import { and, lt, max, min, sub } from "./binary.ts";
import { gather } from "./gather.ts";
import { reshape } from "./movement.ts";
import { where } from "./where.ts";

declare module "../node.ts" {
  interface OpAttrs {
    top_k: { readonly keep: number };
  }
}

/** Scores [B, V] with one option a row [B]. */
export function requireRowOption(
  types: readonly TensorType[],
  dtype: TensorType["dtype"],
  keep = 1,
): TensorType {
  if (keep < 1) throw new FusewireError("must keep at least one score");
  const [scores, option] = types as [TensorType, TensorType];
  if (scores.dtype !== "f32" || scores.shape.length !== 2) throw new FusewireError("takes scores f32[B, V]");
  if (option.dtype !== dtype || !sameShape(option.shape, scores.shape.slice(0, 1)))
    throw new FusewireError(`takes one ${dtype} a row of the scores`);
  return scores;
}

export const topKOp = defineOp<"top_k">({
  name: "top_k",
  arity: 2,
  attrs: { keep: "int" },
  infer: (types, { keep }) => requireRowOption(types, "i32", keep),
  evaluate: ([scores, ks], { keep }, type) => {
    const out = emptyValue(type);
    const [batch, vocabulary] = type.shape as [number, number];
    for (let b = 0; b < batch; b++) {
      const row = floats(scores!).subarray(b * vocabulary, (b + 1) * vocabulary);
      const k = ks!.data[b]!;
      const kth = Math.min(vocabulary, Math.max(k, keep)) - 1;
      const threshold = k <= 0 ? Number.NEGATIVE_INFINITY : row.slice().sort()[vocabulary - 1 - kth]!;
      for (let v = 0; v < vocabulary; v++)
        out.data[b * vocabulary + v] = row[v]! < threshold ? Number.NEGATIVE_INFINITY : row[v]!;
    }
    return out;
  },
  expand: ([scores, ks], { keep }) => {
    const [batch, vocabulary] = scores!.type.shape as [number, number];
    const k = reshape(ks!, [batch, 1]);
    const sorted = gather(scores!, argsort(scores!, true), 1);
    const threshold = gather(sorted, sub(min(max(k, keep), vocabulary), 1), 1);
    // Nothing is less than a threshold that is NaN, which stands above all numbers: then all scores stay.
    return where(and(lt(0, k), lt(scores!, threshold)), Number.NEGATIVE_INFINITY, scores!);
  },
});

/**
 * Scores below the k-th largest become -inf; ties with it stay (Hugging Face TopKLogitsWarper). scores: f32[B, V];
 * k: i32[B], at most 0 to leave a row alone; `keep`: min_tokens_to_keep.
 */
export const topK = (scores: Node, k: Node, keep = 1): Node => emit(topKOp, [scores, k], { keep });
