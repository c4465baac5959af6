import { add, mul, type Node, reshape, slice, sub, type Tracer } from "@fusewire/ir";
import { logSoftmax } from "../processors/masks.ts";
import { type Current, joinRows, nextScores } from "./current.ts";

/**
 * Classifier-free guidance (Ho and Salimans 2022; Sanchez et al. 2023; UnbatchedClassifierFreeGuidanceLogitsProcessor):
 * logarithms of probabilities, led away from those of other texts that get the same tokens, u + scale · (s - u). Input:
 * guidance_scale f32[B]. Both texts of a row are decoded in one step. scores and, as the model gave them, logits: f32[B, V].
 */
export function guidedScores(
  tracer: Tracer,
  current: Current,
  others: Current,
): { readonly scores: Node; readonly logits: Node } {
  const { batch, model } = current.context;
  const all = nextScores(tracer, joinRows(current, others));
  const half = (first: number) => slice(all, [first, 0], [batch, model.vocabSize]);
  const logits = half(0);
  const [wanted, other] = [logSoftmax(logits), logSoftmax(half(batch))];
  const scale = reshape(tracer.input("guidance_scale", { dtype: "f32", shape: [batch] }), [batch, 1]);
  return { logits, scores: add(mul(scale, sub(wanted, other)), other) };
}
