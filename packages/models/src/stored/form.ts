import {
  cast,
  type DType,
  type Node,
  type Shape,
  type TensorType,
  type Tracer,
  type Value,
} from "@fusewire/ir";
import type { Checkpoint } from "../checkpoint/index.ts";

/** Some neighbouring rows of a tensor: its first axis from `from` on. */
export interface RowRange {
  readonly from: number;
  readonly count: number;
}

/** One value that the graph reads as a `param`, and how to get it. */
export interface StoredPart extends TensorType {
  /** The value, in this dtype or one that casts to it: all of it, or some rows. Do not write to it. */
  readonly read: (rows?: RowRange) => Promise<Value>;
}

/** A weight of the graph as a checkpoint keeps it. */
export interface StoredWeight {
  /** How it is kept, in words for `fusewire show --weights` and errors. */
  readonly form: string;
  /** The tensors it comes from, by their names in the checkpoint. */
  readonly tensors: readonly string[];
  readonly shape: Shape;
  /** What the graph reads to have it, by the names of its `param`s. */
  readonly parts: ReadonlyMap<string, StoredPart>;
  /** The weight itself, where it is one value: then another form may cut or turn it while it is read. */
  readonly value?: StoredPart;
  /** f32[…shape], over the params. */
  readonly node: (tracer: Tracer) => Node;
}

/** What forms know of the checkpoint and of the model. */
export interface LoadStage {
  readonly checkpoint: Pick<Checkpoint, "location" | "type" | "read">;
  /** What the model's family says of its checkpoints. */
  readonly keeping: Keeping;
  /** The dtype in which floats are to be read; as they are stored where undefined. */
  readonly dtype: DType | undefined;
  /** The tensor that a name stands for, under that name or another prefix. */
  readonly locate: (name: string) => string | undefined;
}

/** Finds a weight by the forms that come after this one. */
export type Find = (weight: string) => StoredWeight | undefined;

/** One way in which checkpoints keep weights. */
export interface Form {
  readonly find: (weight: string, rest: Find, stage: LoadStage) => StoredWeight | undefined;
  /** Names that the weight may have in this form, for errors, beside those that other forms know. */
  readonly lookedFor?: (weight: string, stage: Pick<LoadStage, "keeping">) => readonly string[];
}

/** How the checkpoints of a family keep weights, where otherwise than the graph has them. */
export interface Keeping {
  /** The embedding that is the output matrix as well, where config.json says so. */
  readonly tied: string | undefined;
  /** Modules whose matrices are kept as [in, out], by the last word of their names. */
  readonly transposed?: readonly string[];
  /** Matrices of which several modules of the graph are rows. */
  readonly joined?: readonly JoinedRows[];
  /** Modules whose rows have another order in the graph. */
  readonly reordered?: readonly RowOrder[];
}

/** A matrix, with its bias, that is the rows of several modules. */
export interface JoinedRows {
  /** The last word of its name, such as `qkv_proj`. */
  readonly name: string;
  /** The modules beside it whose rows it holds, in order, and how many of each before the next comes. */
  readonly parts: Readonly<Record<string, number>>;
  /** How often that repeats; once, unless heads are interleaved. */
  readonly repeats?: number;
}

/** Another order of the rows of each head. */
export interface RowOrder {
  /** The last words of the names of modules. */
  readonly modules: readonly string[];
  /** The row of the stored head that stands at each place of the graph's. */
  readonly order: readonly number[];
}

/** A weight that is one value. */
export function single(
  weight: string,
  part: StoredPart,
  { form, tensors }: Pick<StoredWeight, "form" | "tensors">,
): StoredWeight {
  return {
    form,
    tensors,
    shape: part.shape,
    parts: new Map([[weight, part]]),
    value: part,
    node: (tracer) => cast(tracer.param(weight, { dtype: part.dtype, shape: part.shape }), "f32"),
  };
}

/** `model.layers.0.self_attn.q_proj.weight` -> the path of what holds the module, the module's last word and the rest. */
export function splitName(weight: string): {
  readonly path: string;
  readonly module: string;
  readonly leaf: string;
} {
  const words = weight.split(".");
  const path = words
    .slice(0, -2)
    .map((word) => `${word}.`)
    .join("");
  return { path, module: words.at(-2) ?? "", leaf: words.at(-1)! };
}

/** The output matrix, as every family calls it. */
export const HEAD = "lm_head.weight";
