import { type DType, isDType, isFloat } from "../dtype.ts";
import { FusewireError } from "../errors.ts";
import type { Node, NodeOf, Table } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { type Shape, sizeOf } from "../type.ts";
import { numbersOf, toValue, type Value } from "../value.ts";

declare module "../node.ts" {
  interface OpAttrs {
    /** Elements in row-major order; a single value fills the whole shape. */
    constant: {
      readonly dtype: string;
      readonly shape: readonly number[];
      readonly values: readonly number[];
    };
  }
}

export const constantOp = defineOp<"constant">({
  name: "constant",
  arity: 0,
  attrs: { dtype: "string", shape: "ints", values: "floats" },
  // Values as the dtype holds them, once where all are the same.
  canonical: (attrs) => {
    const { dtype, shape, values } = attrs;
    if (!isDType(dtype) || !isList(values) || !isList(shape)) return attrs;
    const rounded = numbersOf(toValue({ dtype, shape: [values.length] }, values));
    const uniform = rounded.length === sizeOf(shape) && rounded.every((x) => Object.is(x, rounded[0]));
    return { dtype, shape, values: uniform ? rounded.slice(0, 1) : rounded };
  },
  infer: (_inputs, { dtype, shape, values }) => {
    if (!isDType(dtype)) throw new FusewireError(`unknown dtype '${dtype}'`);
    if (values.length !== 1 && values.length !== sizeOf(shape))
      throw new FusewireError(`shape [${shape}] needs ${sizeOf(shape)} values or one, not ${values.length}`);
    return { dtype, shape };
  },
  free: true,
  evaluate: (_inputs, { values }, type) =>
    toValue(type, values.length === 1 ? new Array<number>(sizeOf(type.shape)).fill(values[0]!) : values),
});

/** Attributes of a parsed text are checked after they are spelled. */
const isList = (values: unknown): boolean =>
  Array.isArray(values) && values.every((x) => typeof x === "number");

/** A tensor of known values; one value fills the shape. Values are rounded to `dtype`. */
export function constant(
  table: Table,
  values: number | readonly number[],
  dtype: DType,
  shape: Shape = [],
): Node {
  const list = typeof values === "number" ? [values] : values;
  return emit(constantOp, [], { dtype, shape, values: list }, table);
}

/** A scalar of the dtype of `like`, in its table. Throws where an integer dtype cannot hold the number: rounding it would change what is computed. */
export function scalarLike(like: Node, value: number): Node {
  const { dtype } = like.type;
  const scalar = constant(like.table, value, dtype);
  if (!isFloat(dtype) && uniformValue(scalar) !== value)
    throw new FusewireError(
      `${dtype} cannot hold ${value}; cast the tensor to f32 first, or give another number`,
    );
  return scalar;
}

export const constantFromValue = (table: Table, value: Value): Node =>
  constant(table, numbersOf(value), value.type.dtype, value.type.shape);

/** The number that fills the node, when it is a constant of one repeated value. */
export function uniformValue(node: Node): number | undefined {
  return node.op === "constant" && (node as NodeOf<"constant">).attrs.values.length === 1
    ? (node as NodeOf<"constant">).attrs.values[0]
    : undefined;
}
