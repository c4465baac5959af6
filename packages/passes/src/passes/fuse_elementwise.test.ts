import { expect, test } from "vitest";
import { edit, transform, untouched } from "../testing/text.ts";
import { fuseElementwise } from "./fuse_elementwise.ts";

const run = (statements: string): string => transform(fuseElementwise, statements);
const X = '%0 = input {dtype="f32", name="x", shape=[2,3]} : f32[2,3]';

test("a chain becomes one op; scalars are written into its body, vectors are read", () => {
  expect(
    run(`${X}
      %1 = constant {dtype="f32", shape=[], values=[-0]} : f32[]
      %2 = max %0 %1 : f32[2,3]
      %3 = param {dtype="f32", name="w", shape=[3]} : f32[3]
      %4 = mul %2 %3 : f32[2,3]
      %5 = constant {dtype="f32", shape=[], values=[-Infinity]} : f32[]
      %6 = le %4 %0 : bool[2,3]
      %7 = where %6 %0 %5 : f32[2,3]
      return "y" = %7`),
  ).toMatchInlineSnapshot(`
    "%0 = input {dtype="f32", name="x", shape=[2,3]} : f32[2,3]
    %1 = param {dtype="f32", name="w", shape=[3]} : f32[3]
    %2 = fused_elementwise %0 %1 {body=["max $0 -0","mul %0 $1","le %1 $0","where %2 $0 -Infinity"]} : f32[2,3]
    return "y" = %2"
  `);
});

test("a tree joins both branches, and an op that reads one value twice computes it once", () => {
  expect(
    run(`${X}
      %1 = exp %0 : f32[2,3]
      %2 = neg %0 : f32[2,3]
      %3 = add %1 %2 : f32[2,3]
      %4 = mul %3 %3 : f32[2,3]
      return "y" = %4`),
  ).toMatchInlineSnapshot(`
    "%0 = input {dtype="f32", name="x", shape=[2,3]} : f32[2,3]
    %1 = fused_elementwise %0 {body=["exp $0","neg $0","add %0 %1","mul %2 %2"]} : f32[2,3]
    return "y" = %1"
  `);
});

test("a value with other readers stays, and is an input of what follows", () => {
  expect(
    run(`${X}
      %1 = exp %0 : f32[2,3]
      %2 = neg %1 : f32[2,3]
      %3 = tanh %2 : f32[2,3]
      %4 = reduce_sum %1 {axis=1} : f32[2,1]
      return "a" = %3
      return "b" = %4`),
  ).toMatchInlineSnapshot(`
    "%0 = input {dtype="f32", name="x", shape=[2,3]} : f32[2,3]
    %1 = exp %0 : f32[2,3]
    %2 = fused_elementwise %1 {body=["neg $0","tanh %0"]} : f32[2,3]
    %3 = reduce_sum %1 {axis=1} : f32[2,1]
    return "a" = %2
    return "b" = %3"
  `);
});

test("a smaller operand is computed apart, or it would be computed for each element of the larger", () => {
  expect(
    run(`${X}
      %1 = input {dtype="f32", name="s", shape=[3]} : f32[3]
      %2 = exp %1 : f32[3]
      %3 = neg %2 : f32[3]
      %4 = mul %0 %3 : f32[2,3]
      %5 = silu %4 : f32[2,3]
      return "y" = %5`),
  ).toMatchInlineSnapshot(`
    "%0 = input {dtype="f32", name="x", shape=[2,3]} : f32[2,3]
    %1 = input {dtype="f32", name="s", shape=[3]} : f32[3]
    %2 = fused_elementwise %1 {body=["exp $0","neg %0"]} : f32[3]
    %3 = fused_elementwise %0 %2 {body=["mul $0 $1","silu %0"]} : f32[2,3]
    return "y" = %3"
  `);
});

test("what depends on weights alone is left to hoist_prepare", () => {
  expect(
    run(`${X}
      %1 = param {dtype="f32", name="w", shape=[2,3]} : f32[2,3]
      %2 = exp %1 : f32[2,3]
      %3 = neg %2 : f32[2,3]
      %4 = add %0 %3 : f32[2,3]
      %5 = silu %4 : f32[2,3]
      return "y" = %5`),
  ).toMatchInlineSnapshot(`
    "%0 = input {dtype="f32", name="x", shape=[2,3]} : f32[2,3]
    %1 = param {dtype="f32", name="w", shape=[2,3]} : f32[2,3]
    %2 = exp %1 : f32[2,3]
    %3 = neg %2 : f32[2,3]
    %4 = fused_elementwise %0 %3 {body=["add $0 $1","silu %0"]} : f32[2,3]
    return "y" = %4"
  `);
});

test("where eight inputs are too many for one launch, as much as fits is joined", () => {
  const inputs = Array.from(
    { length: 8 },
    (_, k) => `%${k} = input {dtype="f32", name="x${k}", shape=[2]} : f32[2]`,
  );
  expect(
    run(
      `${inputs.join("\n")}
      %10 = add %0 %1 : f32[2]
      %11 = where %12 %10 %2 : f32[2]
      %13 = mul %14 %11 : f32[2]
      return "y" = %13`
        .replace("%11 =", "%12 = lt %3 %4 : bool[2]\n%14 = div %15 %7 : f32[2]\n%11 =")
        .replace("%14 =", "%15 = sub %5 %6 : f32[2]\n%14 ="),
    ),
  ).toMatchInlineSnapshot(`
    "%0 = input {dtype="f32", name="x5", shape=[2]} : f32[2]
    %1 = input {dtype="f32", name="x6", shape=[2]} : f32[2]
    %2 = input {dtype="f32", name="x7", shape=[2]} : f32[2]
    %3 = input {dtype="f32", name="x3", shape=[2]} : f32[2]
    %4 = input {dtype="f32", name="x4", shape=[2]} : f32[2]
    %5 = input {dtype="f32", name="x0", shape=[2]} : f32[2]
    %6 = input {dtype="f32", name="x1", shape=[2]} : f32[2]
    %7 = input {dtype="f32", name="x2", shape=[2]} : f32[2]
    %8 = fused_elementwise %3 %4 %5 %6 %7 {body=["lt $0 $1","add $2 $3","where %0 %1 $4"]} : f32[2]
    %9 = fused_elementwise %0 %1 %2 %8 {body=["sub $0 $1","div %0 $2","mul %1 $3"]} : f32[2]
    return "y" = %9"
  `);
});

const INTEGERS = `%0 = input {dtype="i32", name="n", shape=[4]} : i32[4]
  %1 = constant {dtype="i32", shape=[], values=[3]} : i32[]
  %2 = mul %0 %1 : i32[4]
  %3 = add %2 %0 : i32[4]
  return "y" = %3`;

test.each<[string, string]>([
  ["integers, whose arithmetic wraps", INTEGERS],
  ["comparisons of integers", edit(INTEGERS, ["add %2 %0 : i32", "lt %2 %0 : bool"])],
  ["one op alone", `${X}\n%1 = exp %0 : f32[2,3]\nreturn "y" = %1`],
  [
    "a cast between",
    `${X}\n%1 = exp %0 : f32[2,3]\n%2 = cast %1 {to="i32"} : i32[2,3]\n%3 = neg %2 : i32[2,3]\nreturn "y" = %3`,
  ],
  [
    "a reshape between",
    `${X}\n%1 = exp %0 : f32[2,3]\n%2 = reshape %1 {shape=[6]} : f32[6]\n%3 = neg %2 : f32[6]\nreturn "y" = %3`,
  ],
  [
    "a value that is an output too",
    `${X}\n%1 = exp %0 : f32[2,3]\n%2 = neg %1 : f32[2,3]\nreturn "y" = %2\nreturn "z" = %1`,
  ],
  [
    "a choice between integers",
    `${X}
    %1 = lt %0 %0 : bool[2,3]
    %2 = input {dtype="i32", name="n", shape=[2,3]} : i32[2,3]
    %3 = where %1 %2 %2 : i32[2,3]
    return "y" = %3`,
  ],
])("%s stays", (_what, text) => {
  expect(run(text)).toBe(untouched(text));
});
