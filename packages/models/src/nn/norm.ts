import { add, constant, type Node, plainLayerNorm, plainRmsNorm } from "@fusewire/ir";
import { type LayerContext, weight, within } from "./context.ts";

/** A norm over the last axis, as all norms of a model are. */
export type Norm =
  /** LlamaRMSNorm; `offset` is added to the weight (1 in Gemma). */
  | { readonly kind: "rms"; readonly eps: number; readonly offset: number }
  /** torch.nn.LayerNorm, with or without a bias. */
  | { readonly kind: "layer"; readonly eps: number; readonly bias: boolean };

/** The norm `name` of x over the last axis. */
export const norm = (context: LayerContext, name: string, x: Node, shape: Norm): Node =>
  within(context, name, (inner) => {
    const size = x.type.shape.slice(-1);
    const w = weight(inner, "weight", size);
    switch (shape.kind) {
      case "rms":
        return plainRmsNorm(x, shape.offset === 0 ? w : add(w, shape.offset), shape.eps);
      case "layer":
        return plainLayerNorm(x, w, shape.bias ? weight(inner, "bias", size) : zeros(w), shape.eps);
    }
  });

/** No bias, spelled so that every engine's layer norm fits. */
const zeros = (like: Node): Node => constant(like.table, 0, "f32", like.type.shape);
