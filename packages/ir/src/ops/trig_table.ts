import { FusewireError } from "../errors.ts";
import type { Node, Table } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { emptyValue } from "../value.ts";

declare module "../node.ts" {
  interface OpAttrs {
    /** `fn` is "cos" or "sin". */
    trig_table: {
      readonly fn: string;
      readonly length: number;
      readonly frequencies: readonly number[];
      readonly scale: number;
    };
  }
}

export const trigTableOp = defineOp<"trig_table">({
  name: "trig_table",
  arity: 0,
  attrs: { fn: "string", length: "int", frequencies: "floats", scale: "float" },
  infer: (_inputs, { fn, length, frequencies }) => {
    if (fn !== "cos" && fn !== "sin") throw new FusewireError(`fn must be cos or sin, not '${fn}'`);
    return { dtype: "f32", shape: [length, frequencies.length] };
  },
  evaluate: (_inputs, { fn, frequencies, scale }, type) => {
    const out = emptyValue(type);
    const f = fn === "cos" ? Math.cos : Math.sin;
    for (let i = 0; i < out.data.length; i++) {
      const position = Math.floor(i / frequencies.length);
      // Hugging Face forms the angle in f32, as a product of an f32 position and an f32 frequency.
      const angle = Math.fround(position * Math.fround(frequencies[i % frequencies.length]!));
      out.data[i] = f(angle) * scale;
    }
    return out;
  },
});

/**
 * `scale * fn(position * frequency)` for positions 0..length-1: f32[length, frequencies]. Computed on the host
 * in f64 while loading, since shading languages leave the precision of sin and cos open.
 */
export const trigTable = (
  table: Table,
  fn: "cos" | "sin",
  length: number,
  frequencies: readonly number[],
  scale = 1,
): Node => emit(trigTableOp, [], { fn, length, frequencies, scale }, table);
