import { FusewireError } from "./errors.ts";
import { checkLayout, type Layout } from "./layouts/index.ts";
import type { Node, OpAttrs, OpName, Table } from "./node.ts";
import type { TensorType } from "./type.ts";
import type { Value } from "./value.ts";

export type AttrKind = "int" | "float" | "bool" | "string" | "ints" | "floats" | "strings" | "layout";

/** Everything the project knows of one op. Adding an op means writing one of these, in a file of its own. */
export interface OpDef<K extends OpName> {
  readonly name: K;
  /** Number of inputs, or the smallest and largest number. */
  readonly arity: number | readonly [min: number, max: number];
  readonly attrs: { readonly [A in keyof OpAttrs[K]]: AttrKind };
  /** One spelling for attributes that mean the same, so that they make one node; it leaves what `infer` refuses as it is. */
  readonly canonical?: (attrs: OpAttrs[K]) => OpAttrs[K];
  /** The type of the result. Throws a plain message; the caller adds op, input types and layer name. */
  readonly infer: (inputs: readonly TensorType[], attrs: OpAttrs[K]) => TensorType;
  /** Refuses what types do not show: nodes whose values the op does not take. Throws a plain message, as `infer` does. */
  readonly check?: (inputs: readonly Node[], attrs: OpAttrs[K]) => void;
  /** The meaning of the op. Ops that only an engine or a module can resolve (params, states …) have none. */
  readonly evaluate?: (inputs: readonly Value[], attrs: OpAttrs[K], type: TensorType) => Value;
  /** For a composite: the same value in smaller ops. */
  readonly expand?: (inputs: readonly Node[], attrs: OpAttrs[K]) => Node;
  /** One element of the result from one element of each input (before rounding): then the op is elementwise. */
  readonly scalar?: (a: number, b: number, c: number) => number;
  /** For an op without `scalar`: an element of the result needs that element alone of each input, as it is broadcast. */
  readonly elementwise?: boolean;
  readonly commutative?: boolean;
  /** Engines may let the result overwrite the first input. */
  readonly inPlace?: boolean;
  /** The result is the first input's bytes under another shape: nothing runs. */
  readonly view?: boolean;
  /** Stands for something outside the graph. */
  readonly leaf?: boolean;
  /** Nothing runs for it: its value is given, known, or the first input's bytes. */
  readonly free?: boolean;
}

export const defineOp = <K extends OpName>(def: OpDef<K>): OpDef<K> => def;

/** Makes (or finds) a node, with the type rule run at once so that errors carry the caller's layer name. */
export function emit<K extends OpName>(
  def: OpDef<K>,
  inputs: readonly Node[],
  attrs: OpAttrs[K],
  table: Table | undefined = inputs[0]?.table,
): Node {
  if (!table) throw new Error(`${def.name} has no inputs, so it needs the table to be built in`);
  const whole = withOneZero(def.attrs, attrs);
  const spelled = def.canonical?.(whole) ?? whole;
  return table.intern(def.name, inputs, spelled, () => {
    checkAttrs(def.attrs, spelled);
    const [min, max] = typeof def.arity === "number" ? [def.arity, def.arity] : def.arity;
    if (inputs.length < min || inputs.length > max)
      throw new FusewireError(
        `takes ${min === max ? min : `${min} to ${max}`} inputs, was given ${inputs.length}`,
      );
    return inferType(def, inputs, spelled);
  });
}

/** Whole numbers have one zero: an axis of -0 is the axis 0. Floats have two. */
function withOneZero<T extends object>(kinds: Readonly<Record<string, AttrKind>>, attrs: T): T {
  const negative = (value: unknown): boolean =>
    Array.isArray(value) ? value.some(negative) : Object.is(value, -0);
  const changed = Object.entries(attrs).flatMap(([key, value]: [string, unknown]) => {
    const isWhole = kinds[key] === "int" || kinds[key] === "ints";
    if (!isWhole || !negative(value)) return [];
    // -0 + 0 is 0.
    return [[key, Array.isArray(value) ? value.map((x) => x + 0) : 0] as const];
  });
  return changed.length > 0 ? { ...attrs, ...Object.fromEntries(changed) } : attrs;
}

/** The type of a node by its op's rules; throws a plain message where they refuse its inputs. */
export function inferType<K extends OpName>(
  def: OpDef<K>,
  inputs: readonly Node[],
  attrs: OpAttrs[K],
): TensorType {
  const type = def.infer(
    inputs.map((input) => input.type),
    attrs,
  );
  def.check?.(inputs, attrs);
  return type;
}

const ATTR_CHECKS: Readonly<
  Record<AttrKind, readonly [expected: string, check: (value: unknown) => boolean]>
> = {
  int: ["a whole number", Number.isSafeInteger],
  float: ["a number", (value) => typeof value === "number"],
  bool: ["true or false", (value) => typeof value === "boolean"],
  string: ["a string", (value) => typeof value === "string"],
  ints: ["a list of whole numbers", (value) => Array.isArray(value) && value.every(Number.isSafeInteger)],
  floats: ["a list of numbers", (value) => Array.isArray(value) && value.every((x) => typeof x === "number")],
  strings: [
    "a list of strings",
    (value) => Array.isArray(value) && value.every((x) => typeof x === "string"),
  ],
  layout: ["a layout", (value) => typeof value === "object" && value !== null && "packing" in value],
};

/** The compiler knows neither whole numbers nor what a text holds. */
function checkAttrs(kinds: Readonly<Record<string, AttrKind>>, attrs: object): void {
  const given = attrs as Readonly<Record<string, unknown>>;
  for (const [key, kind] of Object.entries(kinds)) {
    const [expected, check] = ATTR_CHECKS[kind];
    if (!Object.hasOwn(given, key)) throw new FusewireError(`the attribute '${key}' is missing`);
    if (!check(given[key])) throw new FusewireError(`the attribute '${key}' must be ${expected}`);
    if (kind === "layout") checkLayout(given[key] as Layout);
  }
  for (const key of Object.keys(given))
    if (!Object.hasOwn(kinds, key)) throw new FusewireError(`unknown attribute '${key}'`);
}
