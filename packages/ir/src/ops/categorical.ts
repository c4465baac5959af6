import type { Node } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { emptyValue, floats } from "../value.ts";
import { lt, min, mul, sub } from "./binary.ts";
import { cast } from "./cast.ts";
import { reshape, sliceAxis } from "./movement.ts";
import { argmax, cumsum, reduceMax } from "./reduce.ts";
import { requireRowOption } from "./top_k.ts";
import { exp } from "./unary.ts";

declare module "../node.ts" {
  interface OpAttrs {
    categorical: Record<never, never>;
  }
}

export const categoricalOp = defineOp<"categorical">({
  name: "categorical",
  arity: 2,
  attrs: {},
  infer: (types) => ({ dtype: "i32", shape: requireRowOption(types, "f32").shape.slice(0, 1) }),
  evaluate: ([scores, us], _attrs, type) => {
    const out = emptyValue(type);
    const vocabulary = scores!.type.shape[1]!;
    for (let b = 0; b < out.data.length; b++) {
      const row = floats(scores!).subarray(b * vocabulary, (b + 1) * vocabulary);
      const max = row.reduce((m, s) => Math.max(m, s), Number.NEGATIVE_INFINITY);
      // Running sums, rounded where the expansion rounds.
      let sum = 0;
      const sums = row.map((s) => {
        sum += Math.fround(Math.exp(Math.fround(s - max)));
        return sum;
      });
      const total = sums.at(-1)!;
      const target = Math.min(Math.fround(us!.data[b]! * total), Math.fround(total * (1 - 2 ** -23)));
      // A row of nothing but -inf or a NaN among the scores has no distribution: id 0, as the expansion gives.
      const chosen = sums.findIndex((reached) => reached > target);
      out.data[b] = Math.max(0, chosen);
    }
    return out;
  },
  expand: ([scores, us]) => {
    const [batch, vocabulary] = scores!.type.shape as [number, number];
    const sums = cumsum(exp(sub(scores!, reduceMax(scores!))));
    const total = sliceAxis(sums, 1, vocabulary - 1, 1);
    // In f32 u·total may round up to total, which no running sum exceeds; the step below total is always exceeded.
    const target = min(mul(reshape(us!, [batch, 1]), total), mul(total, 1 - 2 ** -23));
    // The first that exceeds it: argmax takes the first of the ones.
    return reshape(argmax(cast(lt(target, sums), "f32")), [batch]);
  },
});

/**
 * Draws an id from softmax(scores) by inversion: in id order, the first whose running sum of exp(score) exceeds
 * u times the total. scores: f32[B, V]; u: f32[B] in [0, 1); result i32[B].
 */
export const categorical = (scores: Node, u: Node): Node => emit(categoricalOp, [scores, u], {});
