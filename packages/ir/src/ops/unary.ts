/** Elementwise ops of one input: one line each. */
import type { DType } from "../dtype.ts";
import type { Node, OpName } from "../node.ts";
import { defineOp, emit, type OpDef } from "../op.ts";
import { mapElements, requireDType } from "./elementwise.ts";

type NoAttrs = Record<never, never>;

declare module "../node.ts" {
  interface OpAttrs {
    neg: NoAttrs;
    exp: NoAttrs;
    log: NoAttrs;
    sqrt: NoAttrs;
    rsqrt: NoAttrs;
    tanh: NoAttrs;
    not: NoAttrs;
  }
}

type UnaryName = "neg" | "exp" | "log" | "sqrt" | "rsqrt" | "tanh" | "not";

function unary<K extends UnaryName & OpName>(
  name: K,
  dtypes: readonly DType[],
  scalar: (x: number) => number,
): OpDef<K> {
  return defineOp<K>({
    name,
    arity: 1,
    attrs: {} as OpDef<K>["attrs"],
    infer: (types) => ({ dtype: requireDType(types, dtypes), shape: types[0]!.shape }),
    evaluate: (inputs, _attrs, type) => mapElements(inputs, type, scalar),
    scalar,
  });
}

export const negOp = unary("neg", ["f32", "i32"], (x) => -x);
export const expOp = unary("exp", ["f32"], Math.exp);
export const logOp = unary("log", ["f32"], Math.log);
export const sqrtOp = unary("sqrt", ["f32"], Math.sqrt);
export const rsqrtOp = unary("rsqrt", ["f32"], (x) => 1 / Math.sqrt(x));
export const tanhOp = unary("tanh", ["f32"], Math.tanh);
export const notOp = unary("not", ["bool"], (x) => (x ? 0 : 1));

export const neg = (x: Node): Node => emit(negOp, [x], {});
export const exp = (x: Node): Node => emit(expOp, [x], {});
export const log = (x: Node): Node => emit(logOp, [x], {});
export const sqrt = (x: Node): Node => emit(sqrtOp, [x], {});
export const rsqrt = (x: Node): Node => emit(rsqrtOp, [x], {});
export const tanh = (x: Node): Node => emit(tanhOp, [x], {});
export const not = (x: Node): Node => emit(notOp, [x], {});
