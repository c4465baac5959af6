import { expect, test } from "vitest";
import { edit, transform, untouched } from "../testing/text.ts";
import { fuseQkv } from "./fuse_qkv.ts";

const QKV = `%0 = input {dtype="f32", name="x", shape=[2,4]} : f32[2,4]
  %1 = param {dtype="f32", name="q", shape=[6,4]} : f32[6,4]
  %2 = matmul %0 %1 {transposeB=true} : f32[2,6]
  %3 = param {dtype="f32", name="k", shape=[2,4]} : f32[2,4]
  %4 = matmul %0 %3 {transposeB=true} : f32[2,2]
  %5 = param {dtype="f32", name="v", shape=[3,4]} : f32[3,4]
  %6 = matmul %0 %5 {transposeB=true} : f32[2,3]
  return "q" = %2
  return "k" = %4
  return "v" = %6`;
const linear = (weight: string, bias: string, n: number): readonly [string, string] => [
  `matmul %0 ${weight} {transposeB=true} : f32[2,${n}]`,
  `linear %0 ${weight} ${bias} {activation="none", bias=true, residual=false} : f32[2,${n}]`,
];
const biases = `%7 = param {dtype="f32", name="qb", shape=[6]} : f32[6]
  %8 = param {dtype="f32", name="kb", shape=[2]} : f32[2]
  %9 = param {dtype="f32", name="vb", shape=[3]} : f32[3]\n`;

const run = (statements: string): string => transform(fuseQkv, statements);

test("three products of one input become slices of one", () => {
  expect(run(QKV)).toMatchInlineSnapshot(`
    "%0 = input {dtype="f32", name="x", shape=[2,4]} : f32[2,4]
    %1 = param {dtype="f32", name="q", shape=[6,4]} : f32[6,4]
    %2 = param {dtype="f32", name="k", shape=[2,4]} : f32[2,4]
    %3 = param {dtype="f32", name="v", shape=[3,4]} : f32[3,4]
    %4 = concat %1 %2 %3 {axis=0} : f32[11,4]
    %5 = matmul %0 %4 {transposeB=true} : f32[2,11]
    %6 = slice %5 {sizes=[2,6], starts=[0,0]} : f32[2,6]
    %7 = slice %5 {sizes=[2,2], starts=[0,6]} : f32[2,2]
    %8 = slice %5 {sizes=[2,3], starts=[0,8]} : f32[2,3]
    return "q" = %6
    return "k" = %7
    return "v" = %8"
  `);
});

test("with biases, which are joined too", () => {
  expect(
    run(biases + edit(QKV, linear("%1", "%7", 6), linear("%3", "%8", 2), linear("%5", "%9", 3))),
  ).toMatchInlineSnapshot(`
    "%0 = input {dtype="f32", name="x", shape=[2,4]} : f32[2,4]
    %1 = param {dtype="f32", name="q", shape=[6,4]} : f32[6,4]
    %2 = param {dtype="f32", name="k", shape=[2,4]} : f32[2,4]
    %3 = param {dtype="f32", name="v", shape=[3,4]} : f32[3,4]
    %4 = concat %1 %2 %3 {axis=0} : f32[11,4]
    %5 = param {dtype="f32", name="qb", shape=[6]} : f32[6]
    %6 = param {dtype="f32", name="kb", shape=[2]} : f32[2]
    %7 = param {dtype="f32", name="vb", shape=[3]} : f32[3]
    %8 = concat %5 %6 %7 {axis=0} : f32[11]
    %9 = linear %0 %4 %8 {activation="none", bias=true, residual=false} : f32[2,11]
    %10 = slice %9 {sizes=[2,6], starts=[0,0]} : f32[2,6]
    %11 = slice %9 {sizes=[2,2], starts=[0,6]} : f32[2,2]
    %12 = slice %9 {sizes=[2,3], starts=[0,8]} : f32[2,3]
    return "q" = %10
    return "k" = %11
    return "v" = %12"
  `);
});

test("with a bias on some, those with and those without are two groups", () => {
  expect(run(biases + edit(QKV, linear("%3", "%8", 2), linear("%5", "%9", 3)))).toMatchInlineSnapshot(`
    "%0 = input {dtype="f32", name="x", shape=[2,4]} : f32[2,4]
    %1 = param {dtype="f32", name="q", shape=[6,4]} : f32[6,4]
    %2 = matmul %0 %1 {transposeB=true} : f32[2,6]
    %3 = param {dtype="f32", name="k", shape=[2,4]} : f32[2,4]
    %4 = param {dtype="f32", name="v", shape=[3,4]} : f32[3,4]
    %5 = concat %3 %4 {axis=0} : f32[5,4]
    %6 = param {dtype="f32", name="kb", shape=[2]} : f32[2]
    %7 = param {dtype="f32", name="vb", shape=[3]} : f32[3]
    %8 = concat %6 %7 {axis=0} : f32[5]
    %9 = linear %0 %5 %8 {activation="none", bias=true, residual=false} : f32[2,5]
    %10 = slice %9 {sizes=[2,2], starts=[0,0]} : f32[2,2]
    %11 = slice %9 {sizes=[2,3], starts=[0,2]} : f32[2,3]
    return "q" = %2
    return "k" = %10
    return "v" = %11"
  `);
});

test("products of the joined product are groups of their own", () => {
  expect(
    run(
      edit(QKV, [
        'return "q" = %2',
        `%7 = param {dtype="f32", name="a", shape=[2,6]} : f32[2,6]
        %8 = matmul %2 %7 {transposeB=true} : f32[2,2]
        %9 = param {dtype="f32", name="b", shape=[3,6]} : f32[3,6]
        %10 = matmul %2 %9 {transposeB=true} : f32[2,3]
        return "a" = %8
        return "b" = %10`,
      ]),
    ),
  ).toMatchInlineSnapshot(`
    "%0 = input {dtype="f32", name="x", shape=[2,4]} : f32[2,4]
    %1 = param {dtype="f32", name="q", shape=[6,4]} : f32[6,4]
    %2 = param {dtype="f32", name="k", shape=[2,4]} : f32[2,4]
    %3 = param {dtype="f32", name="v", shape=[3,4]} : f32[3,4]
    %4 = concat %1 %2 %3 {axis=0} : f32[11,4]
    %5 = matmul %0 %4 {transposeB=true} : f32[2,11]
    %6 = slice %5 {sizes=[2,6], starts=[0,0]} : f32[2,6]
    %7 = param {dtype="f32", name="a", shape=[2,6]} : f32[2,6]
    %8 = param {dtype="f32", name="b", shape=[3,6]} : f32[3,6]
    %9 = concat %7 %8 {axis=0} : f32[5,6]
    %10 = matmul %6 %9 {transposeB=true} : f32[2,5]
    %11 = slice %10 {sizes=[2,2], starts=[0,0]} : f32[2,2]
    %12 = slice %10 {sizes=[2,3], starts=[0,2]} : f32[2,3]
    %13 = slice %5 {sizes=[2,2], starts=[0,6]} : f32[2,2]
    %14 = slice %5 {sizes=[2,3], starts=[0,8]} : f32[2,3]
    return "a" = %11
    return "b" = %12
    return "k" = %13
    return "v" = %14"
  `);
});

test("more products than one concat takes become several groups", () => {
  const experts = Array.from(
    { length: 130 },
    (_, k) => `%${2 * k + 1} = param {dtype="f32", name="w${k}", shape=[2,4]} : f32[2,4]
      %${2 * k + 2} = matmul %0 %${2 * k + 1} {transposeB=true} : f32[1,2]
      return "y${k}" = %${2 * k + 2}`,
  );
  const text = run(['%0 = input {dtype="f32", name="x", shape=[1,4]} : f32[1,4]', ...experts].join("\n"));
  expect(text.match(/matmul/g)).toHaveLength(3);
});

test.each<[string, ...(readonly [string, string])[]]>([
  [
    "different inputs",
    ["matmul %0 %3", "matmul %7 %3"],
    ["matmul %0 %5", "matmul %8 %5"],
    ["%1 = ", "%7 = exp %0 : f32[2,4]\n%8 = neg %0 : f32[2,4]\n%1 = "],
  ],
  ["trainable weights, which are states", ["param", "state"]],
  [
    "weights stored the other way",
    ["[6,4]", "[4,6]"],
    ['"k", shape=[2,4]} : f32[2,4]', '"k", shape=[4,2]} : f32[4,2]'],
    ["[3,4]", "[4,3]"],
    ["transposeB=true", "transposeB=false"],
  ],
  ["an input that is a weight itself, which hoist_prepare takes whole", ["%0 = input", "%0 = param"]],
])("%s stay apart", (_what, ...changes) => {
  const text = edit(QKV, ...changes);
  expect(run(text)).toBe(untouched(text));
});

test("products with an activation or a residual stay apart", () => {
  const text = edit(
    QKV,
    [`matmul %0 %1 {transposeB=true}`, `linear %0 %1 {activation="silu", bias=false, residual=false}`],
    [
      `matmul %0 %3 {transposeB=true} : f32[2,2]`,
      `linear %0 %3 %7 {activation="none", bias=false, residual=true} : f32[2,2]`,
    ],
    ["%1 = ", '%7 = input {dtype="f32", name="r", shape=[2,2]} : f32[2,2]\n%1 = '],
  );
  expect(run(text)).toBe(untouched(text));
});
