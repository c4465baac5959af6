/** Layers in plain maths: the passes find what can be fused. */
import { add, gather, matmul, type Node, plainRmsNorm } from "@fusewire/ir";
import { type LayerContext, weight, within } from "./context.ts";

/** x·Wᵀ + b (torch.nn.Linear). x: f32[…, in]; result f32[…, out]. */
export const linear = (context: LayerContext, name: string, x: Node, out: number, bias = false): Node =>
  within(context, name, (inner) => {
    const y = matmul(x, weight(inner, "weight", [out, x.type.shape.at(-1)!]), { transposeB: true });
    return bias ? add(y, weight(inner, "bias", [out])) : y;
  });

/** Root-mean-square norm over the last axis (LlamaRMSNorm). */
export const rmsNorm = (context: LayerContext, name: string, x: Node, eps: number): Node =>
  within(context, name, (inner) => plainRmsNorm(x, weight(inner, "weight", [x.type.shape.at(-1)!]), eps));

/** Rows of the embedding matrix. ids: i32[…]; result f32[…, width]. */
export const embedding = (
  context: LayerContext,
  name: string,
  ids: Node,
  size: number,
  width: number,
): Node => within(context, name, (inner) => gather(weight(inner, "weight", [size, width]), ids));
