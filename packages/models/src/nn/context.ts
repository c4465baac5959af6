import { cast, type DType, type Node, type Shape, type Tracer } from "@fusewire/ir";

/** Where a layer is being traced: the tracer, the layer's name in the checkpoint, and how weights are stored. */
export interface LayerContext {
  readonly tracer: Tracer;
  /** Such as `model.layers.0.self_attn`. */
  readonly path: string;
  /** The dtype under which a weight enters the graph. */
  readonly storage: (weight: string) => DType;
}

/** Traces a sub-layer: its weights and its errors carry `name` appended to the path. */
export const within = <T>(context: LayerContext, name: string, body: (inner: LayerContext) => T): T =>
  context.tracer.scope(name, () =>
    body({ ...context, path: context.path === "" ? name : `${context.path}.${name}` }),
  );

/** The weight `name` of this layer as f32, whatever it is stored as. */
export function weight(context: LayerContext, name: string, shape: Shape): Node {
  const full = context.path === "" ? name : `${context.path}.${name}`;
  return cast(context.tracer.param(full, { dtype: context.storage(full), shape }), "f32");
}
