import type { Node, Shape, Tracer } from "@fusewire/ir";
import type { WeightNodes } from "../stored/index.ts";

/** Where a layer is being traced: the tracer, the layer's name in the graph, and where its weights come from. */
export interface LayerContext {
  readonly tracer: Tracer;
  /** Such as `model.layers.0.self_attn`. */
  readonly path: string;
  /** The weights by their names in the graph, however they are stored. */
  readonly stored: WeightNodes;
}

/** Traces a sub-layer: its weights and its errors carry `name` appended to the path. */
export const within = <T>(context: LayerContext, name: string, body: (inner: LayerContext) => T): T =>
  context.tracer.scope(name, () =>
    body({ ...context, path: context.path === "" ? name : `${context.path}.${name}` }),
  );

/** The weight `name` of this layer as f32, whatever it is stored as. */
export function weight(context: LayerContext, name: string, shape: Shape): Node {
  const full = context.path === "" ? name : `${context.path}.${name}`;
  return context.stored.node(context.tracer, full, shape);
}
