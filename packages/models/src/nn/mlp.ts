import { type Activation, activationOf, mul, type Node } from "@fusewire/ir";
import { type LayerContext, within } from "./context.ts";
import { linear } from "./layers.ts";

/** down(activation(gate(x)) · up(x)) (LlamaMLP). x: f32[B, T, width]. */
export const gatedMlp = (
  context: LayerContext,
  x: Node,
  {
    inner: size,
    activation,
    bias,
  }: { readonly inner: number; readonly activation: Activation; readonly bias: boolean },
): Node =>
  within(context, "mlp", (inner) => {
    const gate = activationOf(activation).apply(linear(inner, "gate_proj", x, size, bias));
    const up = linear(inner, "up_proj", x, size, bias);
    return linear(inner, "down_proj", mul(gate, up), x.type.shape.at(-1)!, bias);
  });
