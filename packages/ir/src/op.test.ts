import fc from "fast-check";
import { expect, test } from "vitest";
import { DTYPES } from "./dtype.ts";
import { FusewireError } from "./errors.ts";
import { evaluate } from "./interpret.ts";
import type { AttrValue, Node } from "./node.ts";
import { type AttrKind, emit, type OpDef } from "./op.ts";
import * as ops from "./ops/index.ts";
import { OPS } from "./ops/table.ts";
import { NodeTable } from "./table.ts";
import { expandNode, randomValue } from "./testing/index.ts";
import { sameType, sizeOf, type TensorType } from "./type.ts";

const int = fc.integer({ min: -2, max: 4 });
const float = fc.oneof(int, fc.constantFrom(0.5, 1e-5, Number.NaN, Number.POSITIVE_INFINITY, -0));
const ATTRS: Readonly<Record<AttrKind, fc.Arbitrary<AttrValue>>> = {
  int,
  float,
  bool: fc.boolean(),
  string: fc.constantFrom<string>(...DTYPES, ...ops.STREAMS, "none", "silu", "cos", "sin", "constructor", ""),
  ints: fc.array(int, { maxLength: 4 }),
  floats: fc.array(float, { maxLength: 4 }),
  strings: fc.array(fc.constantFrom("neg $0", "add $0 $1", "lt %0 $0", "where %1 $0 %0", "silu %9", "nope"), {
    maxLength: 3,
  }),
};
const arbitraryType: fc.Arbitrary<TensorType> = fc.record({
  dtype: fc.oneof(fc.constantFrom("f32" as const, "i32" as const), fc.constantFrom(...DTYPES)),
  shape: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 4 }),
});

/** Any inputs and attributes: what an op takes, it computes; what it does not take, it refuses in words. */
test.each(Object.values(OPS).map((def) => [def.name, def as unknown as OpDef<"concat">] as const))(
  "%s refuses or computes whatever it is given",
  (_name, def) => {
    const attrs = fc.record(
      Object.fromEntries(Object.entries(def.attrs).map(([key, kind]) => [key, ATTRS[kind as AttrKind]])),
    );
    const types = fc.oneof(
      fc.array(arbitraryType, { maxLength: 6 }),
      // Inputs of one type, or nearly, are what most ops take.
      fc
        .tuple(arbitraryType, fc.integer({ min: 1, max: 3 }))
        .map(([type, count]) => Array<TensorType>(count).fill(type)),
    );
    fc.assert(
      fc.property(types, attrs, fc.nat(), (inputTypes, given, seed) => {
        const table = new NodeTable();
        const inputs = inputTypes.map((type, n) => ops.constantFromValue(table, randomValue(type, seed + n)));
        let node: Node;
        try {
          node = emit(def, inputs, given as { axis: number }, table);
        } catch (error) {
          if (error instanceof FusewireError) return;
          throw error;
        }
        expect(sizeOf(node.type.shape)).toBeGreaterThan(0);
        if (def.leaf) return;
        const value = evaluate([node], {}).get(node)!;
        expect(sameType(value.type, node.type)).toBe(true);
        expect(value.data.length).toBe(sizeOf(node.type.shape));
        expect(sameType(expandNode(node).type, node.type)).toBe(true);
      }),
      { numRuns: 300 },
    );
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
