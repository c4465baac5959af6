import fc from "fast-check";
import { expect, test } from "vitest";
import { DTYPES } from "./dtype.ts";
import { FusewireError } from "./errors.ts";
import { evaluate } from "./interpret.ts";
import { q8 } from "./layouts/index.ts";
import { rootsOf, topological } from "./module.ts";
import type { AttrValue, Node } from "./node.ts";
import { type AttrKind, emit, type OpDef } from "./op.ts";
import * as ops from "./ops/index.ts";
import { OPS } from "./ops/table.ts";
import { NodeTable } from "./table.ts";
import { arbitraryModule, expandNode, randomValue } from "./testing/index.ts";
import { sameType, sizeOf, type TensorType } from "./type.ts";
import { numbersOf, toValue, type Value } from "./value.ts";

const int = fc.integer({ min: -2, max: 4 });
const float = fc.oneof(int, fc.constantFrom(0.5, 1e-5, Number.NaN, Number.POSITIVE_INFINITY, -0));
const ATTRS: Readonly<Record<AttrKind, fc.Arbitrary<AttrValue>>> = {
  int,
  float,
  bool: fc.boolean(),
  string: fc.constantFrom<string>(...DTYPES, ...ops.STREAMS, "none", "silu", "cos", "sin", "constructor", ""),
  ints: fc.array(int, { maxLength: 4 }),
  floats: fc.array(float, { maxLength: 4 }),
  layout: fc.record({
    bits: fc.integer({ min: 1, max: 9 }),
    packing: fc.constantFrom("bytes" as const, "low" as const, "high" as const),
    range: fc.constantFrom("signed" as const, "symmetric" as const, "unsigned" as const),
    group: fc.integer({ min: 0, max: 3 }),
    zeros: fc.constantFrom("none" as const, "integer" as const, "float" as const),
    permuted: fc.boolean(),
  }),
  strings: fc.array(fc.constantFrom("neg $0", "add $0 $1", "lt %0 $0", "where %1 $0 %0", "silu %9", "nope"), {
    maxLength: 3,
  }),
};
const arbitraryType: fc.Arbitrary<TensorType> = fc.record({
  dtype: fc.oneof(fc.constantFrom("f32" as const, "i32" as const), fc.constantFrom(...DTYPES)),
  shape: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 4 }),
});

interface Call {
  readonly types: readonly TensorType[];
  readonly attrs: Readonly<Record<string, AttrValue>>;
}

/** Calls that every op takes, from random graphs and, where none holds the op, by hand. */
const KNOWN: ReadonlyMap<string, readonly Call[]> = (() => {
  const known = new Map<string, Call[]>();
  const add = (op: string, call: Call) => known.set(op, [...(known.get(op) ?? []), call]);
  for (const module of fc.sample(arbitraryModule(), { numRuns: 300, seed: 1 }))
    for (const { op, inputs, attrs } of topological(module.entries.flatMap(rootsOf)))
      add(op, { types: inputs.map(({ type }) => type), attrs: { ...attrs } });
  const f32 = (...shape: number[]): TensorType => ({ dtype: "f32", shape });
  const i8 = (...shape: number[]): TensorType => ({ dtype: "i8", shape });
  const bits = { layout: q8(4) };
  add("prepared", { types: [], attrs: { name: "w", dtype: "f32", shape: [2] } });
  add("group_scales", { types: [f32(2, 8)], attrs: { ...bits, search: false } });
  add("quantize_rows", { types: [f32(2, 8), f32(2, 2)], attrs: bits });
  add("dequantize", {
    types: [i8(2, 8), f32(2, 2), i8(2, 2)],
    attrs: { layout: { ...q8(4), zeros: "integer" } },
  });
  const epilogue = { activation: "silu", bias: true, residual: false, gated: true };
  add("quantized_matmul", {
    types: [i8(3, 8), f32(3, 2), i8(6, 8), f32(6, 2), f32(6)],
    attrs: { ...bits, ...epilogue },
  });
  return known;
})();

const anyAttrs = (kinds: Readonly<Record<string, AttrKind>>) =>
  fc.record(Object.fromEntries(Object.entries(kinds).map(([key, kind]) => [key, ATTRS[kind]])));

/** Any inputs and attributes at all. */
const anyCall = (kinds: Readonly<Record<string, AttrKind>>): fc.Arbitrary<Call> =>
  fc.record({ types: fc.array(arbitraryType, { maxLength: 6 }), attrs: anyAttrs(kinds) });

/** A call that the op takes, as it is or with one input or one attribute changed. */
const nearCall = (known: readonly Call[], kinds: Readonly<Record<string, AttrKind>>): fc.Arbitrary<Call> =>
  fc
    .tuple(
      fc.constantFrom(...known),
      fc.nat(),
      arbitraryType,
      anyAttrs(kinds),
      fc.constantFrom("as it is", "type", "attribute"),
    )
    .map(([{ types, attrs }, at, type, others, change]) => {
      const key = Object.keys(kinds)[at % Math.max(1, Object.keys(kinds).length)];
      if (change === "type")
        return { types: types.map((own, k) => (k === at % types.length ? type : own)), attrs };
      if (change === "attribute" && key) return { types, attrs: { ...attrs, [key]: others[key]! } };
      return { types, attrs };
    });

/** Numbers that every op computes with: bytes as few bits have them. */
function valueFor(type: TensorType, seed: number): Value {
  const value = randomValue(type, seed);
  return type.dtype === "i8"
    ? toValue(
        type,
        numbersOf(value).map((byte) => byte >> 4),
      )
    : value;
}

/** What an op takes, it computes; what it does not take, it refuses in words. */
test.each(Object.values(OPS).map((def) => [def.name, def as unknown as OpDef<"concat">] as const))(
  "%s refuses or computes whatever it is given",
  (name, def) => {
    const known = KNOWN.get(name)!;
    const given = { taken: 0, refused: 0 };
    const run = ({ types, attrs }: Call, seed: number): void => {
      const table = new NodeTable();
      const inputs = types.map((type, n) => ops.constantFromValue(table, valueFor(type, seed + n)));
      let node: Node;
      try {
        node = emit(def, inputs, attrs as unknown as { axis: number }, table);
      } catch (error) {
        if (!(error instanceof FusewireError)) throw error;
        given.refused++;
        return;
      }
      given.taken++;
      expect(sizeOf(node.type.shape)).toBeGreaterThan(0);
      if (def.leaf) return;
      const value = evaluate([node], {}).get(node)!;
      expect(sameType(value.type, node.type)).toBe(true);
      expect(value.data.length).toBe(sizeOf(node.type.shape));
      expect(sameType(expandNode(node).type, node.type)).toBe(true);
    };
    fc.assert(fc.property(fc.oneof(nearCall(known, def.attrs), anyCall(def.attrs)), fc.nat(), run), {
      numRuns: 300,
    });
    expect(given.taken).toBeGreaterThan(30);
    expect(given.refused).toBeGreaterThan(0);
  },
);

test("attributes are of the kind that the op declares", () => {
  const table = new NodeTable();
  const x = ops.input(table, "x", { dtype: "f32", shape: [2] });
  const concat = (attrs: object) => () => emit(OPS.concat, [x, x], attrs as { axis: number });
  expect(concat({ axis: 0.5 })).toThrow(
    "concat(f32[2], f32[2]): the attribute 'axis' must be a whole number",
  );
  expect(concat({})).toThrow("the attribute 'axis' is missing");
  expect(concat({ axis: 0, more: 1 })).toThrow("unknown attribute 'more'");
});

test("whole numbers have one zero, floats have two", () => {
  const table = new NodeTable();
  const x = ops.input(table, "x", { dtype: "f32", shape: [2, 3] });
  expect(ops.concat([x, x], -0)).toBe(ops.concat([x, x], 0));
  expect(ops.slice(x, [-0, 1], [1, 1])).toBe(ops.slice(x, [0, 1], [1, 1]));
  expect(emit(OPS.concat, [x, x], { axis: -0 }).attrs).toEqual({ axis: 0 });
  const gain = ops.input(table, "g", { dtype: "f32", shape: [3] });
  expect(ops.rmsNorm(x, gain, -0)).not.toBe(ops.rmsNorm(x, gain, 0));
});

test("an op without inputs needs a table", () => {
  expect(() => emit(OPS.iota, [], { size: 3 })).toThrow(
    "iota has no inputs, so it needs the table to be built in",
  );
});
