/** Pieces of graph that several processors share. */
import { constant, exp, log, lt, type Node, occurs, reduceMax, reduceSum, sub, topK } from "@fusewire/ir";

/** bool[B, V]: whether token v is in the row's list of ids i32[B, N]. */
export function isIn(scores: Node, ids: Node): Node {
  const [batch, room] = ids.type.shape as readonly [number, number];
  return occurs(ids, constant(ids.table, room, "i32", [batch]), scores.type.shape[1]!);
}

/** bool[B, V]: whether a score is below the `keep` best of its row, which a filter must leave. */
export function belowBest(scores: Node, keep: number): Node {
  const best = topK(scores, constant(scores.table, keep, "i32", [scores.type.shape[0]!]));
  return lt(best, scores);
}

/** Natural logarithms of the probabilities, f32[B, V]. */
export function logSoftmax(scores: Node): Node {
  const shifted = sub(scores, reduceMax(scores));
  return sub(shifted, log(reduceSum(exp(shifted))));
}
