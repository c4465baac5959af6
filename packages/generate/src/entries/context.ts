import type { Tracer } from "@fusewire/ir";
import type { CacheDType, CacheShape, CausalModel, LayerContext, WeightNodes } from "@fusewire/models";

/** What all entries of a model are traced from. */
export interface EntrySource {
  readonly model: CausalModel;
  /** The weights by their names in the graph. */
  readonly stored: WeightNodes;
  /** Tokens of the longest step of any entry; see `CacheShape`. */
  readonly longestStep: number;
  /** How keys and values are kept. */
  readonly cacheDType: CacheDType;
}

/** Rows of a cache and tokens each may hold. */
export interface CacheSize {
  readonly rows: number;
  readonly capacity: number;
  /** How keys and values are kept, where otherwise than the model's `cache_dtype` says. */
  readonly cacheDType?: CacheDType;
}

/** What one entry is traced from. */
export interface EntryContext extends EntrySource {
  readonly cache: CacheShape;
  /** Rows the entry works on at once. */
  readonly batch: number;
}

export const rowsInput = (tracer: Tracer, batch: number) =>
  tracer.input("rows", { dtype: "i32", shape: [batch] });

/** i32[rows, capacity]: every token of every row so far, the one not yet decoded included. */
export const idsState = (tracer: Tracer, { rows, capacity }: CacheShape) =>
  tracer.state("ids", { dtype: "i32", shape: [rows, capacity] });

/** i32[rows, 1]: how many tokens each row holds. */
export const lengthsState = (tracer: Tracer, { rows }: CacheShape) =>
  tracer.state("lengths", { dtype: "i32", shape: [rows, 1] });

/** i32[rows, 1]: 1 once a row has ended; it then writes nothing more. */
export const doneState = (tracer: Tracer, { rows }: CacheShape) =>
  tracer.state("done", { dtype: "i32", shape: [rows, 1] });

export const layerContext = (tracer: Tracer, { stored }: EntryContext): LayerContext => ({
  tracer,
  path: "",
  stored,
});
