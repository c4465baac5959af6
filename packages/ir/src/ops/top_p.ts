import type { Node } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { emptyValue, floats } from "../value.ts";
import { argsort, compareNumbers } from "./argsort.ts";
import { and, le, lt, sub } from "./binary.ts";
import { gather } from "./gather.ts";
import { iota } from "./iota.ts";
import { reshape } from "./movement.ts";
import { cumsum } from "./reduce.ts";
import { softmax, softmaxOp } from "./softmax.ts";
import { requireRowOption } from "./top_k.ts";
import { where } from "./where.ts";

declare module "../node.ts" {
  interface OpAttrs {
    top_p: { readonly keep: number };
  }
}

export const topPOp = defineOp<"top_p">({
  name: "top_p",
  arity: 2,
  attrs: { keep: "int" },
  infer: (types, { keep }) => requireRowOption(types, "f32", keep),
  evaluate: ([scores, ps], { keep }, type) => {
    const out = emptyValue(type);
    out.data.set(scores!.data);
    const [batch, vocabulary] = type.shape as [number, number];
    for (let b = 0; b < batch; b++) {
      const row = floats(scores!).subarray(b * vocabulary, (b + 1) * vocabulary);
      const p = ps!.data[b]!;
      if (p >= 1) continue;
      const order = Array.from(row, (_, v) => v).sort((x, y) => compareNumbers(row[x]!, row[y]!) || x - y);
      const sorted = { type: { dtype: "f32" as const, shape: [vocabulary] }, data: row.slice() };
      for (const [i, v] of order.entries()) sorted.data[i] = row[v]!;
      const probabilities = softmaxOp.evaluate!([sorted], {}, sorted.type).data;
      const most = Math.fround(1 - p);
      let mass = 0;
      for (let i = 0; i < vocabulary - keep; i++) {
        mass += probabilities[i]!;
        // Where a score is NaN, so is the mass, and nothing is dropped.
        if (!(Math.fround(mass) <= most)) break;
        out.data[b * vocabulary + order[i]!] = Number.NEGATIVE_INFINITY;
      }
    }
    return out;
  },
  expand: ([scores, ps], { keep }) => {
    const [batch, vocabulary] = scores!.type.shape as [number, number];
    const p = reshape(ps!, [batch, 1]);
    const order = argsort(scores!, false);
    const mass = cumsum(softmax(gather(scores!, order, 1)));
    const tail = and(le(mass, sub(1, p)), lt(iota(scores!.table, vocabulary), vocabulary - keep));
    // The order of the order is its inverse: it carries the verdicts back to the ids.
    const dropped = and(gather(tail, argsort(order, false), 1), lt(p, 1));
    return where(dropped, Number.NEGATIVE_INFINITY, scores!);
  },
});

/**
 * Nucleus filter (Holtzman et al. 2019; Hugging Face TopPLogitsWarper): going up from the least likely, scores
 * become -inf while their summed probability is at most 1 - p; the last `keep` always stay. Equal scores go by id.
 * scores: f32[B, V]; p: f32[B], 1 or more to leave a row alone.
 */
export const topP = (scores: Node, p: Node, keep = 1): Node => emit(topPOp, [scores, p], { keep });
