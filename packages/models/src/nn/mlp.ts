import { type Activation, activationOf, mul, type Node } from "@fusewire/ir";
import { type LayerContext, within } from "./context.ts";
import { linear } from "./layers.ts";

export interface MlpShape {
  /** Width between the two products. */
  readonly inner: number;
  readonly activation: Activation;
  readonly bias: boolean;
  /** Names of the projections, where not those of Llama; without a gate there are two. */
  readonly names?: MlpNames;
}

export interface MlpNames {
  /** The module; `mlp` unless given. */
  readonly scope?: string;
  readonly gate?: string;
  readonly up: string;
  readonly down: string;
}

const LLAMA: MlpNames = { gate: "gate_proj", up: "up_proj", down: "down_proj" };

/** down(activation(gate(x)) · up(x)) (LlamaMLP), or down(activation(up(x))) without a gate. x: f32[B, T, width]. */
export const mlp = (context: LayerContext, x: Node, shape: MlpShape): Node =>
  within(context, shape.names?.scope ?? "mlp", (layer) => {
    const { gate, up, down } = shape.names ?? LLAMA;
    const project = (name: string) => linear(layer, name, x, shape.inner, shape.bias);
    const { apply } = activationOf(shape.activation);
    const inner = gate === undefined ? apply(project(up)) : mul(apply(project(gate)), project(up));
    return linear(layer, down, inner, x.type.shape.at(-1)!, shape.bias);
  });
