/** Elementwise ops of two inputs, with NumPy broadcasting: one line each. A plain number may stand for a scalar. */
import type { DType } from "../dtype.ts";
import type { Node, OpName } from "../node.ts";
import { defineOp, emit, type OpDef } from "../op.ts";
import { scalarLike } from "./constant.ts";
import { broadcastAll, mapElements, requireDType } from "./elementwise.ts";

type NoAttrs = Record<never, never>;

declare module "../node.ts" {
  interface OpAttrs {
    add: NoAttrs;
    sub: NoAttrs;
    mul: NoAttrs;
    div: NoAttrs;
    max: NoAttrs;
    min: NoAttrs;
    mod: NoAttrs;
    eq: NoAttrs;
    lt: NoAttrs;
    le: NoAttrs;
    and: NoAttrs;
    or: NoAttrs;
  }
}

type BinaryName = "add" | "sub" | "mul" | "div" | "max" | "min" | "mod" | "eq" | "lt" | "le" | "and" | "or";

const NUMBERS: readonly DType[] = ["f32", "i32", "u32"];

function binary<K extends BinaryName & OpName>(
  name: K,
  dtypes: readonly DType[],
  scalar: (a: number, b: number) => number,
  flags: {
    readonly commutative?: boolean;
    readonly result?: DType;
    /** Where integers need more than f64 arithmetic and a wrap to 32 bits. */
    readonly integer?: (a: number, b: number) => number;
  } = {},
): OpDef<K> {
  return defineOp<K>({
    name,
    arity: 2,
    attrs: {} as OpDef<K>["attrs"],
    infer: (types) => {
      const dtype = requireDType(types, dtypes);
      return { dtype: flags.result ?? dtype, shape: broadcastAll(types) };
    },
    evaluate: (inputs, _attrs, type) =>
      mapElements(inputs, type, type.dtype === "f32" ? scalar : (flags.integer ?? scalar)),
    scalar,
    commutative: flags.commutative ?? false,
  });
}

export const addOp = binary("add", NUMBERS, (a, b) => a + b, { commutative: true });
export const subOp = binary("sub", NUMBERS, (a, b) => a - b);
export const mulOp = binary("mul", NUMBERS, (a, b) => a * b, { commutative: true, integer: Math.imul });
export const divOp = binary("div", ["f32"], (a, b) => a / b);
// Not Math.max itself: it would take the unused third argument of `scalar` for one more number.
export const maxOp = binary("max", NUMBERS, (a, b) => Math.max(a, b), { commutative: true });
export const minOp = binary("min", NUMBERS, (a, b) => Math.min(a, b), { commutative: true });
/** The remainder with the sign of the divisor, so that -1 mod n is n - 1. */
export const modOp = binary("mod", ["i32"], (a, b) => ((a % b) + b) % b);
export const eqOp = binary("eq", NUMBERS, (a, b) => (a === b ? 1 : 0), { commutative: true, result: "bool" });
export const ltOp = binary("lt", NUMBERS, (a, b) => (a < b ? 1 : 0), { result: "bool" });
export const leOp = binary("le", NUMBERS, (a, b) => (a <= b ? 1 : 0), { result: "bool" });
export const andOp = binary("and", ["bool"], (a, b) => a & b, { commutative: true });
export const orOp = binary("or", ["bool"], (a, b) => a | b, { commutative: true });

type Operand = Node | number;

function pair(a: Operand, b: Operand): [Node, Node] {
  if (typeof a !== "number") return [a, typeof b === "number" ? scalarLike(a, b) : b];
  if (typeof b === "number") throw new Error("one operand must be a tensor");
  return [scalarLike(b, a), b];
}

export const add = (a: Operand, b: Operand): Node => emit(addOp, pair(a, b), {});
export const sub = (a: Operand, b: Operand): Node => emit(subOp, pair(a, b), {});
export const mul = (a: Operand, b: Operand): Node => emit(mulOp, pair(a, b), {});
export const div = (a: Operand, b: Operand): Node => emit(divOp, pair(a, b), {});
export const max = (a: Operand, b: Operand): Node => emit(maxOp, pair(a, b), {});
export const min = (a: Operand, b: Operand): Node => emit(minOp, pair(a, b), {});
export const mod = (a: Operand, b: Operand): Node => emit(modOp, pair(a, b), {});
export const eq = (a: Operand, b: Operand): Node => emit(eqOp, pair(a, b), {});
export const lt = (a: Operand, b: Operand): Node => emit(ltOp, pair(a, b), {});
export const le = (a: Operand, b: Operand): Node => emit(leOp, pair(a, b), {});
export const and = (a: Node, b: Node): Node => emit(andOp, [a, b], {});
export const or = (a: Node, b: Node): Node => emit(orOp, [a, b], {});
