/** Nodes that stand for something outside the graph; their value comes from the module or the engine. */
import { isDType } from "../dtype.ts";
import { FusewireError } from "../errors.ts";
import type { Node, OpName, Table } from "../node.ts";
import { defineOp, emit, type OpDef } from "../op.ts";
import type { TensorType } from "../type.ts";

interface LeafAttrs {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
}

declare module "../node.ts" {
  interface OpAttrs {
    /** A weight of the checkpoint, by its name there. */
    param: LeafAttrs;
    /** A value computed from weights while loading; see the pass hoist_prepare. */
    prepared: LeafAttrs;
    /** The value a state had when the step began. */
    state: LeafAttrs;
    /** Data given with each run. */
    input: LeafAttrs;
  }
}

export type LeafName = "param" | "prepared" | "state" | "input";

const leaf = <K extends LeafName & OpName>(name: K): OpDef<K> =>
  defineOp<K>({
    name,
    arity: 0,
    attrs: { name: "string", dtype: "string", shape: "ints" } as OpDef<K>["attrs"],
    infer: (_inputs, { dtype, shape }) => {
      if (!isDType(dtype)) throw new FusewireError(`unknown dtype '${dtype}'`);
      return { dtype, shape };
    },
    leaf: true,
    free: true,
  });

export const paramOp = leaf("param");
export const preparedOp = leaf("prepared");
export const stateOp = leaf("state");
export const inputOp = leaf("input");

const make =
  <K extends LeafName>(def: OpDef<K>) =>
  (table: Table, name: string, type: TensorType): Node =>
    emit(def, [], { name, dtype: type.dtype, shape: type.shape }, table);

export const param = make(paramOp);
export const prepared = make(preparedOp);
export const state = make(stateOp);
export const input = make(inputOp);
