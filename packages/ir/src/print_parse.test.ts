import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Module, rootsOf, trace } from "./module.ts";
import * as ops from "./ops/index.ts";
import { parseModule } from "./parse.ts";
import { printModule } from "./print.ts";
import { formatAttrs, NodeTable } from "./table.ts";
import { arbitraryModule } from "./testing/index.ts";
import { tensorType } from "./type.ts";
import { verify } from "./verify.ts";

// Many cases a test, on machines that may be busy.

function expectSameNodes(actual: Module, expected: Module): void {
  expect(actual.states).toEqual(expected.states);
  expect([...actual.prepare.keys()]).toEqual([...expected.prepare.keys()]);
  for (const [name, node] of actual.prepare) expect(node === expected.prepare.get(name)).toBe(true);
  expect(actual.entries.map(({ name, inputs }) => ({ name, inputs }))).toEqual(
    expected.entries.map(({ name, inputs }) => ({ name, inputs })),
  );
  for (const [n, entry] of actual.entries.entries())
    for (const kind of ["outputs", "writes"] as const) {
      expect([...entry[kind].keys()]).toEqual([...expected.entries[n]![kind].keys()]);
      for (const [name, node] of entry[kind])
        expect(node === expected.entries[n]![kind].get(name)).toBe(true);
    }
}

function expectRoundTrip(module: Module): void {
  const text = printModule(module);
  const size = module.table.size;
  expectSameNodes(parseModule(text, module.table), module);
  expect(module.table.size).toBe(size);
  const fresh = parseModule(text);
  expect(printModule(fresh)).toBe(text);
  verify(fresh);
}

test("any module comes back to the same nodes, and to the same text from a fresh table", () => {
  fc.assert(fc.property(arbitraryModule(), expectRoundTrip), { numRuns: 200 });
});

/** Strings a checkpoint or a test might hold, with everything that means something to the text form. */
const awkward = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.string({
    unit: fc.constantFrom(
      '"',
      "\\",
      "{",
      "}",
      ",",
      " ",
      "=",
      ":",
      "@",
      "%",
      "\n",
      "\r",
      "\u2028",
      "\ud800",
      "é",
      "0",
    ),
    maxLength: 12,
  }),
  fc.constantFrom('} : f32[2] @"x"', 'x} : f32[] @"y', "", "__proto__", "constructor", "]", '", "b', "\\"),
);

test("names and layers of any characters survive", () => {
  fc.assert(
    fc.property(awkward, awkward, awkward, awkward, (name, layer, key, state) => {
      const module = trace({
        [`entry ${name}`]: ({ input, param, state: read, write, scope }) => {
          const x = input(name, tensorType("f32", [2]));
          const kept = read(state, tensorType("f32", [2]));
          const y = scope(layer, () => ops.add(ops.mul(x, param(name, tensorType("f32", []))), kept));
          write(state, y);
          return { [`out ${key}`]: y };
        },
      });
      expectRoundTrip(module);
      const parsed = parseModule(printModule(module));
      expect(parsed.layers.get(rootsOf(parsed.entries[0]!)[0]!)).toBe(layer);
    }),
    { numRuns: 500 },
  );
});

test("numbers of any kind survive in attributes", () => {
  const special = [
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.NaN,
    -0,
    1e-45,
    3.4028234663852886e38,
  ];
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constantFrom(...special), fc.double()), { minLength: 1 }), (numbers) => {
      const module = trace({
        main: ({ table }) => ({
          values: ops.constant(table, numbers, "f32", [numbers.length]),
          table: ops.trigTable(table, "cos", 2, numbers, numbers[0]),
        }),
      });
      expectRoundTrip(module);
    }),
  );
  expect(formatAttrs({ b: -0, a: [Number.NaN, Number.NEGATIVE_INFINITY] })).toBe(
    " {a=[NaN,-Infinity], b=-0}",
  );
});

test("a constant of a million elements survives", () => {
  const values = Array.from({ length: 1e6 }, (_, k) => Math.fround(Math.sin(k)));
  const module = trace({ main: (t) => ({ y: ops.constant(t.table, values, "f32", [1e6]) }) });
  const read = parseModule(printModule(module), module.table);
  expect(read.entries[0]!.outputs.get("y")).toBe(module.entries[0]!.outputs.get("y"));
});

test("lists of strings survive", () => {
  expectRoundTrip(
    trace({
      main: ({ input }) => {
        const x = input("x", tensorType("f32", [2]));
        return {
          y: ops.fusedElementwise([x], ["neg $0", "where %1 %0 $0"].slice(0, 1).concat("add %0 0.5")),
        };
      },
    }),
  );
});

test("constants that are spelled otherwise are the same nodes, each of its own shape", () => {
  const spelled = (dtype: string, shape: string, values: string) =>
    `constant {dtype="${dtype}", shape=[${shape}], values=[${values}]} : ${dtype}[${shape}]`;
  const same = [
    ["f32", "2", "1,1", "1"],
    ["f32", "2", "1.00000001,1", "1"],
    ["f32", "", "-0", "-0.0"],
    ["i32", "", "-0", "0"],
    ["i32", "3", "1.5,1,1", "1"],
  ] as const;
  for (const [dtype, shape, one, other] of same) {
    const { entries } = parseModule(
      `entry "e" {\n%0 = ${spelled(dtype, shape, one)}\n%1 = ${spelled(dtype, shape, other)}\nreturn "a" = %0\nreturn "b" = %1\n}`,
    );
    expect(entries[0]!.outputs.get("a")).toBe(entries[0]!.outputs.get("b"));
  }
  const table = new NodeTable();
  const ones = ["1", "1,1", "2", ""].map((shape) =>
    parseModule(
      `entry "e" {\n%0 = ${spelled("f32", shape, "1")}\nreturn "y" = %0\n}`,
      table,
    ).entries[0]!.outputs.get("y"),
  );
  expect(new Set(ones).size).toBe(4);
  const zeros = ["0", "-0"].map((zero) =>
    parseModule(`entry "e" {\n%0 = ${spelled("f32", "", zero)}\nreturn "y" = %0\n}`, table),
  );
  expect(zeros[0]!.entries[0]!.outputs.get("y")).not.toBe(zeros[1]!.entries[0]!.outputs.get("y"));
  expect(printModule(zeros[1]!)).toContain("values=[-0]");
});

test("prepared values and inputs that nothing reads survive", () => {
  const table = new NodeTable();
  const type = tensorType("f32", [2]);
  const kept = ops.add(ops.param(table, "w", type), 1);
  const inputs = [{ name: "unused", type }];
  const outputs = new Map([["y", ops.neg(ops.prepared(table, "w + 1", type))]]);
  const entry = { name: "main", inputs, outputs, writes: new Map() };
  expectRoundTrip({
    table,
    states: [{ name: "s", type }],
    prepare: new Map([["w + 1", kept]]),
    entries: [entry],
    layers: new Map(),
  });
});

test("the text form", () => {
  const module = trace({
    decode: ({ input, state, write, scope }) => {
      const x = input("x", tensorType("f32", [2, 3]));
      const sum = state("sum", tensorType("f32", [2, 1]));
      const next = scope("model.norm", () => ops.add(sum, ops.reduceSum(x)));
      write("sum", next);
      return { next };
    },
  });
  expect(printModule(module)).toBe(`state "sum" : f32[2,1]
entry "decode" {
  input "x" : f32[2,3]
  %0 = state {dtype="f32", name="sum", shape=[2,1]} : f32[2,1]
  %1 = input {dtype="f32", name="x", shape=[2,3]} : f32[2,3]
  %2 = reduce_sum %1 {axis=1} : f32[2,1] @"model.norm"
  %3 = add %0 %2 : f32[2,1] @"model.norm"
  return "next" = %3
  write "sum" = %3
}
`);
});

describe("an error names its line:", () => {
  const inEntry = (...lines: string[]) =>
    ["", 'entry "e" {', '  input "x" : f32[2]', ...lines, "}"].join("\n");
  const leaf = '%0 = input {dtype="f32", name="x", shape=[2]} : f32[2]';
  test.each([
    ["nonsense outside", "\n\nhello", "line 3: expected a state, an entry or prepare: hello"],
    ["an unknown op", inEntry("%0 = nope : f32[2]"), "line 4: unknown op 'nope'"],
    [
      "a property of every object as an op",
      inEntry("%0 = constructor : f32[2]"),
      "line 4: unknown op 'constructor'",
    ],
    ["nonsense inside", inEntry("%0 == neg"), "line 4: not a statement of the text form: %0 == neg"],
    [
      "a value before its definition",
      inEntry("%1 = neg %0 : f32[2]"),
      "line 4: %0 is not defined before this line",
    ],
    ["a result before its definition", inEntry('return "y" = %7'), "line 4: %7 is not defined"],
    ["a wrong type", inEntry(leaf, "%1 = neg %0 : f32[3]"), "line 5: the type is f32[2], not f32[3]"],
    ["no type", inEntry(leaf, "%1 = neg %0 : f99[2]"), "line 5: 'f99[2]' is not a tensor type"],
    [
      "a shape error",
      inEntry(leaf, '%1 = matmul %0 %0 {transposeB=false} : f32[2] @"a.b"'),
      "line 5: a.b: matmul(f32[2], f32[2]): takes matrices",
    ],
    [
      "a missing input",
      inEntry(leaf, "%1 = add %0 : f32[2]"),
      "line 5: add(f32[2]): takes 2 inputs, was given 1",
    ],
    [
      "a missing attribute",
      inEntry(leaf, "%1 = reduce_sum %0 : f32[1]"),
      "line 5: reduce_sum(f32[2]): the attribute 'axis' is missing",
    ],
    [
      "an unknown attribute",
      inEntry(leaf, "%1 = neg %0 {axis=1} : f32[2]"),
      "line 5: unknown attribute 'axis'",
    ],
    [
      "an attribute of every object",
      inEntry(leaf, "%1 = neg %0 {constructor=1} : f32[2]"),
      "line 5: unknown attribute 'constructor'",
    ],
    [
      "an attribute twice",
      inEntry(leaf, "%1 = reduce_sum %0 {axis=0, axis=0} : f32[1]"),
      "line 5: the attribute 'axis' is there twice",
    ],
    [
      "attributes that end in a comma",
      inEntry(leaf, "%1 = reduce_sum %0 {axis=0, } : f32[1]"),
      "line 5: cannot read the attributes {axis=0, }",
    ],
    [
      "attributes without a comma",
      inEntry(leaf, "%1 = reduce_sum %0 {axis=0 axis=1} : f32[1]"),
      "line 5: cannot read the attributes",
    ],
    [
      "a text for a number",
      inEntry(leaf, '%1 = reduce_sum %0 {axis="0"} : f32[1]'),
      "line 5: the attribute 'axis': '\"0\"' is not a number",
    ],
    [
      "a fraction for a whole number",
      inEntry(leaf, "%1 = reduce_sum %0 {axis=0.5} : f32[1]"),
      "line 5: reduce_sum(f32[2]): the attribute 'axis' must be a whole number",
    ],
    [
      "a number for a list",
      inEntry("%0 = iota {size=[2]} : i32[2]", "%1 = reshape %0 {shape=123} : i32[2]"),
      "line 4: the attribute 'size'",
    ],
    [
      "a list for a number",
      inEntry(leaf, "%1 = reshape %0 {shape=123} : f32[2]"),
      "line 5: the attribute 'shape' must be a list",
    ],
    [
      "an empty item",
      inEntry(leaf, "%1 = reshape %0 {shape=[2,]} : f32[2]"),
      "line 5: the attribute 'shape': '' is not a number",
    ],
    [
      "a number for a text",
      inEntry('%0 = input {dtype=7, name="x", shape=[2]} : f32[2]'),
      "line 4: input(): the attribute 'dtype' must be a string",
    ],
    [
      "a number for a truth value",
      inEntry(leaf, "%1 = argsort %0 {descending=1} : i32[2]"),
      "line 5: argsort(f32[2]): the attribute 'descending' must be true or false",
    ],
    [
      "numbers for texts",
      inEntry(leaf, "%1 = fused_elementwise %0 {body=[1]} : f32[2]"),
      "line 5: fused_elementwise(f32[2]): the attribute 'body' must be a list of strings",
    ],
    ["a broken string", inEntry('%0 = input {dtype="f32", name="\\x", shape=[2]} : f32[2]'), "line 4: "],
    ["a value twice", inEntry(leaf, leaf), "line 5: value '0' is there twice"],
    [
      "an output twice",
      inEntry(leaf, 'return "y" = %0', 'return "y" = %0'),
      "line 6: return 'y' is there twice",
    ],
    ["an input twice", inEntry('input "x" : f32[2]'), "line 4: input 'x' is there twice"],
    ["keep in an entry", inEntry(leaf, 'keep "y" = %0'), "line 5: 'keep' does not belong here"],
    ["return in prepare", `prepare {\n${leaf}\nreturn "y" = %0\n}`, "line 3: 'return' does not belong here"],
    ["an input in prepare", 'prepare {\ninput "y" : f32[2]\n}', "line 2: 'input' does not belong here"],
    ["prepare twice", "prepare {\n}\nprepare {\n}", "line 3: there are two prepare blocks"],
    ["an entry twice", 'entry "e" {\n}\nentry "e" {\n}', "line 3: there are two entries 'e'"],
    ["a state twice", 'state "s" : f32[2]\nstate "s" : f32[2]', "line 2: state 's' is there twice"],
    ["a missing brace", 'entry "e" {\n', "line 2: the text ends inside a block; a closing '}' is missing"],
    ["a closing brace too many", "}", "line 1: expected a state, an entry or prepare: }"],
  ])("%s", (_what, text, message) => {
    expect(() => parseModule(text)).toThrow(message);
  });
});
