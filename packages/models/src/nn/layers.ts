/** Layers in plain maths: the passes find what can be fused. */
import { add, div, gather, matmul, mul, type Node, tanh } from "@fusewire/ir";
import { type LayerContext, weight, within } from "./context.ts";

/** x·Wᵀ + b (torch.nn.Linear). x: f32[…, in]; result f32[…, out]. */
export const linear = (context: LayerContext, name: string, x: Node, out: number, bias = false): Node =>
  within(context, name, (inner) => {
    const y = matmul(x, weight(inner, "weight", [out, x.type.shape.at(-1)!]), { transposeB: true });
    return bias ? add(y, weight(inner, "bias", [out])) : y;
  });

/** cap · tanh(x / cap): keeps values within ±cap (Gemma 2). */
export const softcap = (x: Node, cap: number): Node => mul(tanh(div(x, cap)), cap);

/** Rows of the embedding matrix. ids: i32[…]; result f32[…, width]. */
export const embedding = (
  context: LayerContext,
  name: string,
  ids: Node,
  size: number,
  width: number,
): Node => within(context, name, (inner) => gather(weight(inner, "weight", [size, width]), ids));

/** Scores of every token, f32[…, width] -> f32[…, size]: by `lm_head`, or by the embedding of that name where it is tied. */
export const head = (
  context: LayerContext,
  hidden: Node,
  size: number,
  tied: string | undefined,
  bias = false,
): Node =>
  tied === undefined
    ? linear(context, "lm_head", hidden, size, bias)
    : within(context, tied, (inner) => {
        const matrix = weight(inner, "weight", [size, hidden.type.shape.at(-1)!]);
        return matmul(hidden, matrix, { transposeB: true });
      });
