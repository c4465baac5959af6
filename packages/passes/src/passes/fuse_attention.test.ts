import { interpret, numbersOf, parseModule, toValue } from "@fusewire/ir";
import { expectClose, randomEnvironment } from "@fusewire/ir/testing";
import { describe, expect, test } from "vitest";
import { edit, entryText, transform, untouched } from "../testing/text.ts";
import { fuseAttention } from "./fuse_attention.ts";

/** Two query heads on each key head, a scale and a soft cap. Slots and head size are equal, so that shapes hide nothing. */
const GROUPED = `%0 = input {dtype="i32", name="lo", shape=[2,3]} : i32[2,3]
  %1 = reshape %0 {shape=[2,1,3,1]} : i32[2,1,3,1]
  %2 = iota {size=8} : i32[8]
  %3 = le %1 %2 : bool[2,1,3,8]
  %4 = input {dtype="i32", name="hi", shape=[2,3]} : i32[2,3]
  %5 = reshape %4 {shape=[2,1,3,1]} : i32[2,1,3,1]
  %6 = le %2 %5 : bool[2,1,3,8]
  %7 = and %3 %6 : bool[2,1,3,8]
  %8 = input {dtype="f32", name="q", shape=[2,4,3,8]} : f32[2,4,3,8]
  %9 = state {dtype="f32", name="keys", shape=[5,2,8,8]} : f32[5,2,8,8]
  %10 = input {dtype="i32", name="rows", shape=[2]} : i32[2]
  %11 = gather %9 %10 {batch=0} : f32[2,2,8,8]
  %12 = reshape %11 {shape=[2,2,1,8,8]} : f32[2,2,1,8,8]
  %13 = broadcast_to %12 {shape=[2,2,2,8,8]} : f32[2,2,2,8,8]
  %14 = reshape %13 {shape=[2,4,8,8]} : f32[2,4,8,8]
  %15 = matmul %8 %14 {transposeB=true} : f32[2,4,3,8]
  %16 = constant {dtype="f32", shape=[], values=[0.5]} : f32[]
  %17 = mul %15 %16 : f32[2,4,3,8]
  %18 = constant {dtype="f32", shape=[], values=[30]} : f32[]
  %19 = div %17 %18 : f32[2,4,3,8]
  %20 = tanh %19 : f32[2,4,3,8]
  %21 = mul %20 %18 : f32[2,4,3,8]
  %22 = constant {dtype="f32", shape=[], values=[-Infinity]} : f32[]
  %23 = where %7 %21 %22 : f32[2,4,3,8]
  %24 = softmax %23 : f32[2,4,3,8]
  %25 = state {dtype="f32", name="values", shape=[5,2,8,8]} : f32[5,2,8,8]
  %26 = gather %25 %10 {batch=0} : f32[2,2,8,8]
  %27 = reshape %26 {shape=[2,2,1,8,8]} : f32[2,2,1,8,8]
  %28 = broadcast_to %27 {shape=[2,2,2,8,8]} : f32[2,2,2,8,8]
  %29 = reshape %28 {shape=[2,4,8,8]} : f32[2,4,8,8]
  %30 = matmul %24 %29 {transposeB=false} : f32[2,4,3,8]
  return "y" = %30`;

/** The text after the pass, which means the same to the bit, but that a query that sees no key gets zeros. */
function run(statements: string): string {
  const module = parseModule(entryText(statements));
  const both = [module, fuseAttention.run(module)];
  for (let seed = 0; seed < 10; seed++) {
    const environment = randomEnvironment(module, seed);
    const [plain, found] = both.map((one) => {
      const y = interpret(one, "main", environment).outputs.get("y")!;
      return toValue(
        y.type,
        numbersOf(y).map((x) => (Number.isNaN(x) ? 0 : x)),
      );
    });
    expectClose(found!, plain!, 0);
  }
  return transform(fuseAttention, statements, { changes: true });
}
const fused = (statements: string): string | undefined => /attention .*/.exec(run(statements))?.[0];

const UNCAPPED = ["where %7 %21", "where %7 %17"] as const;
const UNGROUPED = [
  [
    'state {dtype="f32", name="keys", shape=[5,2,8,8]} : f32[5,2,8,8]',
    'state {dtype="f32", name="keys", shape=[5,4,8,8]} : f32[5,4,8,8]',
  ],
  [
    'state {dtype="f32", name="values", shape=[5,2,8,8]} : f32[5,2,8,8]',
    'state {dtype="f32", name="values", shape=[5,4,8,8]} : f32[5,4,8,8]',
  ],
  ["gather %9 %10 {batch=0} : f32[2,2,8,8]", "gather %9 %10 {batch=0} : f32[2,4,8,8]"],
  ["gather %25 %10 {batch=0} : f32[2,2,8,8]", "gather %25 %10 {batch=0} : f32[2,4,8,8]"],
  ["%12 = reshape %11 {shape=[2,2,1,8,8]} : f32[2,2,1,8,8]", ""],
  ["%13 = broadcast_to %12 {shape=[2,2,2,8,8]} : f32[2,2,2,8,8]", ""],
  ["%14 = reshape %13 {shape=[2,4,8,8]} : f32[2,4,8,8]", ""],
  ["%27 = reshape %26 {shape=[2,2,1,8,8]} : f32[2,2,1,8,8]", ""],
  ["%28 = broadcast_to %27 {shape=[2,2,2,8,8]} : f32[2,2,2,8,8]", ""],
  ["%29 = reshape %28 {shape=[2,4,8,8]} : f32[2,4,8,8]", ""],
  ["matmul %8 %14", "matmul %8 %11"],
  ["matmul %24 %29", "matmul %24 %26"],
] as const;

test("grouped heads with scale and soft cap become one op on the caches", () => {
  expect(run(GROUPED)).toMatchInlineSnapshot(`
    "%0 = input {dtype="f32", name="q", shape=[2,4,3,8]} : f32[2,4,3,8]
    %1 = state {dtype="f32", name="keys", shape=[5,2,8,8]} : f32[5,2,8,8]
    %2 = state {dtype="f32", name="values", shape=[5,2,8,8]} : f32[5,2,8,8]
    %3 = input {dtype="i32", name="rows", shape=[2]} : i32[2]
    %4 = input {dtype="i32", name="lo", shape=[2,3]} : i32[2,3]
    %5 = input {dtype="i32", name="hi", shape=[2,3]} : i32[2,3]
    %6 = attention %0 %1 %2 %3 %4 %5 {ring=false, scale=0.5, softcap=30} : f32[2,4,3,8]
    return "y" = %6"
  `);
});

describe("other ways to write it", () => {
  test("no soft cap", () => {
    expect(fused(edit(GROUPED, UNCAPPED))).toMatchInlineSnapshot(
      `"attention %0 %1 %2 %3 %4 %5 {ring=false, scale=0.5, softcap=0} : f32[2,4,3,8]"`,
    );
  });

  test("no scale, as canonicalise leaves a scale of 1, capped and not", () => {
    expect(fused(edit(GROUPED, ["where %7 %21", "where %7 %15"]))).toMatchInlineSnapshot(
      `"attention %0 %1 %2 %3 %4 %5 {ring=false, scale=1, softcap=0} : f32[2,4,3,8]"`,
    );
    expect(fused(edit(GROUPED, ["div %17", "div %15"]))).toMatchInlineSnapshot(
      `"attention %0 %1 %2 %3 %4 %5 {ring=false, scale=1, softcap=30} : f32[2,4,3,8]"`,
    );
  });

  test("one query head a key head", () => {
    expect(run(edit(GROUPED, ...UNGROUPED))).toMatchInlineSnapshot(`
      "%0 = input {dtype="f32", name="q", shape=[2,4,3,8]} : f32[2,4,3,8]
      %1 = state {dtype="f32", name="keys", shape=[5,4,8,8]} : f32[5,4,8,8]
      %2 = state {dtype="f32", name="values", shape=[5,4,8,8]} : f32[5,4,8,8]
      %3 = input {dtype="i32", name="rows", shape=[2]} : i32[2]
      %4 = input {dtype="i32", name="lo", shape=[2,3]} : i32[2,3]
      %5 = input {dtype="i32", name="hi", shape=[2,3]} : i32[2,3]
      %6 = attention %0 %1 %2 %3 %4 %5 {ring=false, scale=0.5, softcap=30} : f32[2,4,3,8]
      return "y" = %6"
    `);
  });

  test("caches of 16 bits, and of bytes with a scale for each entry", () => {
    const narrow = (dtype: string, read: (rows: string, scales: string) => string) =>
      edit(
        GROUPED,
        ...[
          ["keys", "%9", "%11"],
          ["values", "%25", "%26"],
        ].flatMap(([name, cache, rows]): [string, string][] => [
          [
            `${cache} = state {dtype="f32", name="${name}", shape=[5,2,8,8]} : f32[5,2,8,8]`,
            `${cache}0 = state {dtype="f32", name="${name}Scales", shape=[5,2,8,1]} : f32[5,2,8,1]
             ${cache} = state {dtype="${dtype}", name="${name}", shape=[5,2,8,8]} : ${dtype}[5,2,8,8]`,
          ],
          [
            `${rows} = gather ${cache} %10 {batch=0} : f32[2,2,8,8]`,
            `${rows}1 = gather ${cache} %10 {batch=0} : ${dtype}[2,2,8,8]
             ${rows}2 = gather ${cache}0 %10 {batch=0} : f32[2,2,8,1]
             ${rows} = ${read(`${rows}1`, `${rows}2`)} : f32[2,2,8,8]`,
          ],
        ]),
      );
    const halves = narrow("f16", (rows) => `cast ${rows} {to="f32"}`);
    expect(run(halves)).toMatchInlineSnapshot(`
      "%0 = input {dtype="f32", name="q", shape=[2,4,3,8]} : f32[2,4,3,8]
      %1 = state {dtype="f16", name="keys", shape=[5,2,8,8]} : f16[5,2,8,8]
      %2 = state {dtype="f16", name="values", shape=[5,2,8,8]} : f16[5,2,8,8]
      %3 = input {dtype="i32", name="rows", shape=[2]} : i32[2]
      %4 = input {dtype="i32", name="lo", shape=[2,3]} : i32[2,3]
      %5 = input {dtype="i32", name="hi", shape=[2,3]} : i32[2,3]
      %6 = attention %0 %1 %2 %3 %4 %5 {ring=false, scale=0.5, softcap=30} : f32[2,4,3,8]
      return "y" = %6"
    `);
    const bytes = narrow("i8", (rows, scales) => `dequantize ${rows} ${scales} {layout="s8 group=8"}`);
    expect(run(bytes)).toMatchInlineSnapshot(`
      "%0 = input {dtype="f32", name="q", shape=[2,4,3,8]} : f32[2,4,3,8]
      %1 = state {dtype="i8", name="keys", shape=[5,2,8,8]} : i8[5,2,8,8]
      %2 = state {dtype="i8", name="values", shape=[5,2,8,8]} : i8[5,2,8,8]
      %3 = input {dtype="i32", name="rows", shape=[2]} : i32[2]
      %4 = input {dtype="i32", name="lo", shape=[2,3]} : i32[2,3]
      %5 = input {dtype="i32", name="hi", shape=[2,3]} : i32[2,3]
      %6 = state {dtype="f32", name="keysScales", shape=[5,2,8,1]} : f32[5,2,8,1]
      %7 = state {dtype="f32", name="valuesScales", shape=[5,2,8,1]} : f32[5,2,8,1]
      %8 = attention %0 %1 %2 %3 %4 %5 %6 %7 {ring=false, scale=0.5, softcap=30} : f32[2,4,3,8]
      return "y" = %8"
    `);
    // Scales of other rows than the codes'.
    const others = edit(
      bytes,
      ["gather %90 %10", "gather %90 %99"],
      ["%10 =", '%99 = input {dtype="i32", name="others", shape=[2]} : i32[2]\n  %10 ='],
    );
    expect(fused(others)).toBeUndefined();
    // A scale for each half of an entry, and one for several bits with zeros.
    const halved = edit(
      bytes,
      ["group=8", "group=4"],
      ["shape=[5,2,8,1]} : f32[5,2,8,1]", "shape=[5,2,8,2]} : f32[5,2,8,2]"],
      ["f32[2,2,8,1]", "f32[2,2,8,2]"],
    );
    expect(fused(halved)).toBeUndefined();
    const zeros = edit(
      bytes,
      [' {layout="s8 group=8"}', ' %99 {layout="s8 group=8 zeros=integer"}'],
      ["%10 =", '%99 = input {dtype="i8", name="zeros", shape=[2,2,8,1]} : i8[2,2,8,1]\n  %10 ='],
    );
    expect(fused(zeros)).toBeUndefined();
    const wider = narrow("bf16", (rows) => `cast ${rows} {to="f32"}`);
    expect(fused(wider)).toBeUndefined();
  });

  test("operands of and, mul and le's conjunction the other way round", () => {
    const other = edit(
      GROUPED,
      ["and %3 %6", "and %6 %3"],
      ["mul %15 %16", "mul %16 %15"],
      ["mul %20 %18", "mul %18 %20"],
    );
    expect(run(other)).toBe(run(GROUPED));
  });

  test("bounds that were folded into constants, or are one scalar for all queries", () => {
    const folded = edit(
      GROUPED,
      ['%0 = input {dtype="i32", name="lo", shape=[2,3]} : i32[2,3]', ""],
      ["reshape %0 {shape=[2,1,3,1]}", 'constant {dtype="i32", shape=[2,1,3,1], values=[0]}'],
    );
    expect(run(folded)).toMatchInlineSnapshot(`
      "%0 = input {dtype="f32", name="q", shape=[2,4,3,8]} : f32[2,4,3,8]
      %1 = state {dtype="f32", name="keys", shape=[5,2,8,8]} : f32[5,2,8,8]
      %2 = state {dtype="f32", name="values", shape=[5,2,8,8]} : f32[5,2,8,8]
      %3 = input {dtype="i32", name="rows", shape=[2]} : i32[2]
      %4 = constant {dtype="i32", shape=[2,1,3,1], values=[0]} : i32[2,1,3,1]
      %5 = reshape %4 {shape=[2,3]} : i32[2,3]
      %6 = input {dtype="i32", name="hi", shape=[2,3]} : i32[2,3]
      %7 = attention %0 %1 %2 %3 %5 %6 {ring=false, scale=0.5, softcap=30} : f32[2,4,3,8]
      return "y" = %7"
    `);
    const scalar = edit(
      GROUPED,
      ['%0 = input {dtype="i32", name="lo", shape=[2,3]} : i32[2,3]', ""],
      ["reshape %0 {shape=[2,1,3,1]} : i32[2,1,3,1]", 'constant {dtype="i32", shape=[], values=[0]} : i32[]'],
      ["le %1 %2 : bool[2,1,3,8]", "le %1 %2 : bool[8]"],
    );
    expect(run(scalar)).toMatchInlineSnapshot(`
      "%0 = input {dtype="f32", name="q", shape=[2,4,3,8]} : f32[2,4,3,8]
      %1 = state {dtype="f32", name="keys", shape=[5,2,8,8]} : f32[5,2,8,8]
      %2 = state {dtype="f32", name="values", shape=[5,2,8,8]} : f32[5,2,8,8]
      %3 = input {dtype="i32", name="rows", shape=[2]} : i32[2]
      %4 = constant {dtype="i32", shape=[], values=[0]} : i32[]
      %5 = broadcast_to %4 {shape=[2,1,3,1]} : i32[2,1,3,1]
      %6 = reshape %5 {shape=[2,3]} : i32[2,3]
      %7 = input {dtype="i32", name="hi", shape=[2,3]} : i32[2,3]
      %8 = attention %0 %1 %2 %3 %6 %7 {ring=false, scale=0.5, softcap=30} : f32[2,4,3,8]
      return "y" = %8"
    `);
  });

  test("bounds whose reshapes were merged", () => {
    const merged = edit(GROUPED, ['name="hi", shape=[2,3]} : i32[2,3]', 'name="hi", shape=[6]} : i32[6]']);
    expect(run(merged)).toMatchInlineSnapshot(`
      "%0 = input {dtype="f32", name="q", shape=[2,4,3,8]} : f32[2,4,3,8]
      %1 = state {dtype="f32", name="keys", shape=[5,2,8,8]} : f32[5,2,8,8]
      %2 = state {dtype="f32", name="values", shape=[5,2,8,8]} : f32[5,2,8,8]
      %3 = input {dtype="i32", name="rows", shape=[2]} : i32[2]
      %4 = input {dtype="i32", name="lo", shape=[2,3]} : i32[2,3]
      %5 = input {dtype="i32", name="hi", shape=[6]} : i32[6]
      %6 = reshape %5 {shape=[2,1,3,1]} : i32[2,1,3,1]
      %7 = reshape %6 {shape=[2,3]} : i32[2,3]
      %8 = attention %0 %1 %2 %3 %4 %7 {ring=false, scale=0.5, softcap=30} : f32[2,4,3,8]
      return "y" = %8"
    `);
  });
});

/** A ring as a sliding window has it: the newest key is the last that a query sees, and no run begins below 0. */
const IN_RING = [
  ['%4 = input {dtype="i32", name="hi", shape=[2,3]} : i32[2,3]', ""],
  [
    '%0 = input {dtype="i32", name="lo", shape=[2,3]} : i32[2,3]',
    `%4 = input {dtype="i32", name="hi", shape=[2,3]} : i32[2,3]
  %38 = input {dtype="i32", name="lo", shape=[2,3]} : i32[2,3]
  %39 = constant {dtype="i32", shape=[], values=[0]} : i32[]
  %0 = max %38 %39 : i32[2,3]`,
  ],
  [
    "%2 = iota {size=8} : i32[8]",
    `%31 = iota {size=8} : i32[8]
  %32 = reduce_max %4 {axis=1} : i32[2,1]
  %33 = sub %32 %31 : i32[2,8]
  %34 = constant {dtype="i32", shape=[], values=[8]} : i32[]
  %35 = mod %33 %34 : i32[2,8]
  %36 = sub %32 %35 : i32[2,8]
  %2 = reshape %36 {shape=[2,1,1,8]} : i32[2,1,1,8]`,
  ],
] as const;

/** The same where a query sees the last four keys, and the three of a row are neighbours. */
const WINDOW = [
  [
    '%4 = input {dtype="i32", name="hi", shape=[2,3]} : i32[2,3]',
    `%40 = input {dtype="i32", name="at", shape=[2,1]} : i32[2,1]
  %41 = iota {size=3} : i32[3]
  %4 = add %40 %41 : i32[2,3]`,
  ],
  [
    '%38 = input {dtype="i32", name="lo", shape=[2,3]} : i32[2,3]',
    `%42 = constant {dtype="i32", shape=[], values=[3]} : i32[]
  %38 = sub %4 %42 : i32[2,3]`,
  ],
] as const;

describe("rings", () => {
  test("are seen by the key that each slot holds, from the oldest on that is still there", () => {
    const text = run(edit(GROUPED, ...IN_RING));
    expect(text).toMatch(
      /(%\d+) = reduce_max (%\d+).*\n.*values=\[7\].*\n.*sub \1 .*\n.*max .*\n.*attention .* \2 \{ring=true, scale=0.5, softcap=30\}/,
    );
  });

  test("are read as they are where the graph shows that runs lie within the slots", () => {
    const window = edit(edit(GROUPED, ...IN_RING), ...WINDOW);
    const inside = run(window);
    expect(inside).toContain("ring=true");
    expect(inside).not.toContain("reduce_max");
    // Window and queries fill the ring: 5 keys before the last query's, and 3 queries, take 8 slots.
    expect(run(edit(window, ["values=[3]", "values=[5]"]))).not.toContain("reduce_max");
    expect(run(edit(window, ["values=[3]", "values=[6]"]))).toContain("reduce_max");
    const apart = edit(window, [
      "iota {size=3} : i32[3]",
      'input {dtype="i32", name="steps", shape=[3]} : i32[3]',
    ]);
    expect(run(apart)).toContain("reduce_max");
  });

  test("mean what the plain form means, also where runs begin before the oldest key", () => {
    for (const text of [edit(GROUPED, ...IN_RING), edit(edit(GROUPED, ...IN_RING), ...WINDOW)]) {
      // Random keys are at most 5 + 2, so a ring of 8 would lose none.
      const small = text.replace(/(?<=[[,]|size=)8(?=[\],}])/g, "4");
      expect(run(small)).toContain("ring=true");
    }
  });

  test.each<[string, ...(readonly [string, string])[]]>([
    ["whose runs may begin below 0, at slots that hold no key", ["values=[0]", "values=[-1]"]],
    ["of another size than the cache", ["values=[8]", "values=[7]"]],
    ["whose newest key is not the last that is seen", ["reduce_max %4", "reduce_max %0"]],
    [
      "whose newest key is of all rows",
      ["reduce_max %4 {axis=1} : i32[2,1]", "reduce_max %4 {axis=0} : i32[1,3]"],
      ["sub %32 %31", "sub %37 %31"],
      ["sub %32 %35", "sub %37 %35"],
      ["%33 =", "%37 = slice %32 {sizes=[1,1], starts=[0,0]} : i32[1,1]\n%33 ="],
      ["i32[2,8]", "i32[1,8]"],
      ["%36 {shape=[2,1,1,8]} : i32[2,1,1,8]", "%36 {shape=[1,1,1,8]} : i32[1,1,1,8]"],
    ],
  ])("%s stay plain", (_what, ...changes) => {
    const text = edit(edit(GROUPED, ...IN_RING), ...changes);
    expect(run(text)).toBe(untouched(text));
  });
});

describe("near misses", () => {
  test.each<[string, ...(readonly [string, string])[]]>([
    ["a bound that is exclusive", ["le %1 %2", "lt %1 %2"]],
    ["an interval turned inside out", ["le %1 %2", "le %2 %1"]],
    ["either bound instead of both", ["and %3 %6", "or %3 %6"]],
    ["a mask by anything but the key index", ["iota {size=8}", 'input {dtype="i32", name="j", shape=[8]}']],
    [
      "an index along something shorter than the keys",
      ["iota {size=8} : i32[8]", "iota {size=1} : i32[1]"],
      ["le %1 %2 : bool[2,1,3,8]", "le %1 %2 : bool[2,1,3,1]"],
      ["le %2 %5 : bool[2,1,3,8]", "le %2 %5 : bool[2,1,3,1]"],
      ["and %3 %6 : bool[2,1,3,8]", "and %3 %6 : bool[2,1,3,1]"],
    ],
    [
      "bounds that differ between heads",
      ['name="lo", shape=[2,3]} : i32[2,3]', 'name="lo", shape=[2,4,3]} : i32[2,4,3]'],
      ["reshape %0 {shape=[2,1,3,1]} : i32[2,1,3,1]", "reshape %0 {shape=[2,4,3,1]} : i32[2,4,3,1]"],
      ["le %1 %2 : bool[2,1,3,8]", "le %1 %2 : bool[2,4,3,8]"],
      ["and %3 %6 : bool[2,1,3,8]", "and %3 %6 : bool[2,4,3,8]"],
    ],
    ["another fill than -inf", ["values=[-Infinity]", "values=[-10000]"]],
    ["the fill where the key is seen", ["where %7 %21 %22", "where %7 %22 %21"]],
    ["keys not transposed", ["matmul %8 %14 {transposeB=true}", "matmul %8 %14 {transposeB=false}"]],
    ["values transposed", ["matmul %24 %29 {transposeB=false}", "matmul %24 %29 {transposeB=true}"]],
    ["two different caps", ["div %17 %18", "div %17 %16"]],
    ["a cap of 0", ["values=[30]", "values=[0]"]],
    ["a negative cap, which attention would ignore", ["values=[30]", "values=[-30]"]],
    [
      "a scale that is not one number",
      [
        '%16 = constant {dtype="f32", shape=[], values=[0.5]} : f32[]',
        '%16 = input {dtype="f32", name="scale", shape=[8]} : f32[8]',
      ],
    ],
    [
      "heads repeated in turn (0 1 0 1) instead of side by side (0 0 1 1)",
      [
        "reshape %11 {shape=[2,2,1,8,8]} : f32[2,2,1,8,8]",
        "reshape %11 {shape=[2,1,2,8,8]} : f32[2,1,2,8,8]",
      ],
    ],
    [
      "values repeated in turn",
      [
        "reshape %26 {shape=[2,2,1,8,8]} : f32[2,2,1,8,8]",
        "reshape %26 {shape=[2,1,2,8,8]} : f32[2,1,2,8,8]",
      ],
    ],
    [
      "keys and values of different rows",
      ["gather %25 %10", "gather %25 %31"],
      ["%25 = state", '%31 = input {dtype="i32", name="others", shape=[2]} : i32[2]\n  %25 = state'],
    ],
    [
      "caches gathered per row instead of by row",
      ["shape=[5,2,8,8]} : f32[5,2,8,8]", "shape=[2,5,2,8,8]} : f32[2,5,2,8,8]"],
      ["{batch=0}", "{batch=1}"],
    ],
    [
      "queries that were broadcast over rows",
      ['name="q", shape=[2,4,3,8]} : f32[2,4,3,8]', 'name="q", shape=[1,4,3,8]} : f32[1,4,3,8]'],
    ],
    [
      "keys that are not rows of a cache",
      [
        "gather %9 %10 {batch=0} : f32[2,2,8,8]",
        "slice %9 {sizes=[2,2,8,8], starts=[0,0,0,0]} : f32[2,2,8,8]",
      ],
    ],
  ])("%s", (_what, ...changes) => {
    const text = edit(GROUPED, ...changes);
    expect(run(text)).toBe(untouched(text));
  });

  test("values with fewer key heads than the keys", () => {
    const text = edit(
      GROUPED,
      ['name="values", shape=[5,2,8,8]} : f32[5,2,8,8]', 'name="values", shape=[5,1,8,8]} : f32[5,1,8,8]'],
      ["gather %25 %10 {batch=0} : f32[2,2,8,8]", "gather %25 %10 {batch=0} : f32[2,1,8,8]"],
      [
        "reshape %26 {shape=[2,2,1,8,8]} : f32[2,2,1,8,8]",
        "reshape %26 {shape=[2,1,1,8,8]} : f32[2,1,1,8,8]",
      ],
      [
        "broadcast_to %27 {shape=[2,2,2,8,8]} : f32[2,2,2,8,8]",
        "broadcast_to %27 {shape=[2,1,4,8,8]} : f32[2,1,4,8,8]",
      ],
    );
    expect(run(text)).toBe(untouched(text));
  });

  test("one query row whose keys are of two", () => {
    const text = edit(GROUPED, [
      'name="q", shape=[2,4,3,8]} : f32[2,4,3,8]',
      'name="q", shape=[2,1,3,8]} : f32[2,1,3,8]',
    ]);
    expect(run(text)).toBe(untouched(text));
  });
});
