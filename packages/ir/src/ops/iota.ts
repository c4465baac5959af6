import type { Node, Table } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { emptyValue } from "../value.ts";

declare module "../node.ts" {
  interface OpAttrs {
    iota: { readonly size: number };
  }
}

export const iotaOp = defineOp<"iota">({
  name: "iota",
  arity: 0,
  attrs: { size: "int" },
  infer: (_inputs, { size }) => ({ dtype: "i32", shape: [size] }),
  evaluate: (_inputs, _attrs, type) => {
    const out = emptyValue(type);
    for (let i = 0; i < out.data.length; i++) out.data[i] = i;
    return out;
  },
});

/** 0, 1, …, size-1 as i32[size]. */
export const iota = (table: Table, size: number): Node => emit(iotaOp, [], { size }, table);
