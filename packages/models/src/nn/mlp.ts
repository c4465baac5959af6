import { type Activation, activationOf, mul, type Node } from "@fusewire/ir";
import { type LayerContext, within } from "./context.ts";
import { linear } from "./layers.ts";

export interface MlpShape {
  /** Width between the two products. */
  readonly inner: number;
  readonly activation: Activation;
  readonly bias: boolean;
}

/** down(activation(gate(x)) · up(x)) (LlamaMLP). x: f32[B, T, width]. */
export const gatedMlp = (context: LayerContext, x: Node, shape: MlpShape): Node =>
  within(context, "mlp", (inner) => {
    const gate = linear(inner, "gate_proj", x, shape.inner, shape.bias);
    const up = linear(inner, "up_proj", x, shape.inner, shape.bias);
    const gated = mul(activationOf(shape.activation).apply(gate), up);
    return linear(inner, "down_proj", gated, x.type.shape.at(-1)!, shape.bias);
  });
