import { describe, expect, test } from "vitest";
import { edit, transform, untouched } from "../testing/text.ts";
import { fuseNorm } from "./fuse_norm.ts";

const NORM = `%0 = input {dtype="f32", name="x", shape=[2,8,8]} : f32[2,8,8]
  %1 = mul %0 %0 : f32[2,8,8]
  %2 = reduce_sum %1 {axis=2} : f32[2,8,1]
  %3 = constant {dtype="f32", shape=[], values=[8]} : f32[]
  %4 = div %2 %3 : f32[2,8,1]
  %5 = constant {dtype="f32", shape=[], values=[0.5]} : f32[]
  %6 = add %4 %5 : f32[2,8,1]
  %7 = rsqrt %6 : f32[2,8,1]
  %8 = mul %0 %7 : f32[2,8,8]
  %9 = param {dtype="f32", name="w", shape=[8]} : f32[8]
  %10 = mul %8 %9 : f32[2,8,8]
  return "y" = %10`;

const run = (statements: string): string => transform(fuseNorm, statements);

test("the plain form becomes one op", () => {
  expect(run(NORM)).toMatchInlineSnapshot(`
    "%0 = input {dtype="f32", name="x", shape=[2,8,8]} : f32[2,8,8]
    %1 = param {dtype="f32", name="w", shape=[8]} : f32[8]
    %2 = rms_norm %0 %1 {eps=0.5} : f32[2,8,8]
    return "y" = %2"
  `);
});

test.each<[string, ...(readonly [string, string])[]]>([
  ["x second", ["mul %0 %7", "mul %7 %0"]],
  ["the weight first", ["mul %8 %9", "mul %9 %8"]],
  ["eps first", ["add %4 %5", "add %5 %4"]],
  [
    "eps with axes of size 1",
    ["shape=[], values=[0.5]} : f32[]", "shape=[1,1,1], values=[0.5]} : f32[1,1,1]"],
  ],
  [
    "eps repeated for each line",
    ["shape=[], values=[0.5]} : f32[]", "shape=[8,1], values=[0.5]} : f32[8,1]"],
  ],
])("%s is the same norm", (_what, ...changes) => {
  expect(run(edit(NORM, ...changes))).toBe(run(NORM));
});

test("a weight that is computed, as Gemma's 1 + w, is read as it is", () => {
  const gemma = edit(NORM, [
    "%10 = mul %8 %9",
    '%11 = constant {dtype="f32", shape=[], values=[1]} : f32[]\n%12 = add %9 %11 : f32[8]\n%10 = mul %8 %12',
  ]);
  expect(run(gemma)).toMatchInlineSnapshot(`
    "%0 = input {dtype="f32", name="x", shape=[2,8,8]} : f32[2,8,8]
    %1 = param {dtype="f32", name="w", shape=[8]} : f32[8]
    %2 = constant {dtype="f32", shape=[], values=[1]} : f32[]
    %3 = add %1 %2 : f32[8]
    %4 = rms_norm %0 %3 {eps=0.5} : f32[2,8,8]
    return "y" = %4"
  `);
});

test("what else reads a part of it keeps that part", () => {
  expect(run(`${NORM}\nreturn "scale" = %7`)).toMatchInlineSnapshot(`
    "%0 = input {dtype="f32", name="x", shape=[2,8,8]} : f32[2,8,8]
    %1 = param {dtype="f32", name="w", shape=[8]} : f32[8]
    %2 = rms_norm %0 %1 {eps=0.5} : f32[2,8,8]
    %3 = mul %0 %0 : f32[2,8,8]
    %4 = reduce_sum %3 {axis=2} : f32[2,8,1]
    %5 = constant {dtype="f32", shape=[], values=[8]} : f32[]
    %6 = div %4 %5 : f32[2,8,1]
    %7 = constant {dtype="f32", shape=[], values=[0.5]} : f32[]
    %8 = add %6 %7 : f32[2,8,1]
    %9 = rsqrt %8 : f32[2,8,1]
    return "y" = %2
    return "scale" = %9"
  `);
});

test.each<[string, ...(readonly [string, string])[]]>([
  [
    "a mean over another axis",
    ["{axis=2} : f32[2,8,1]", "{axis=1} : f32[2,1,8]"],
    ["f32[2,8,1]", "f32[2,1,8]"],
  ],
  ["a divisor that is not the size", ["values=[8]", "values=[7]"]],
  [
    "a sum of another product than x²",
    ["mul %0 %0", "mul %0 %11"],
    ["%1 = ", '%11 = input {dtype="f32", name="z", shape=[2,8,8]} : f32[2,8,8]\n%1 = '],
  ],
  [
    "another x under the root than outside",
    ["mul %0 %7", "mul %11 %7"],
    ["%1 = ", '%11 = input {dtype="f32", name="z", shape=[2,8,8]} : f32[2,8,8]\n%1 = '],
  ],
  [
    "an eps that is data",
    [
      '%5 = constant {dtype="f32", shape=[], values=[0.5]} : f32[]',
      '%5 = input {dtype="f32", name="eps", shape=[1]} : f32[1]',
    ],
  ],
  [
    "different values of eps",
    ["shape=[], values=[0.5]} : f32[]", "shape=[2,1,1], values=[0.5,0.25]} : f32[2,1,1]"],
  ],
  [
    "a weight for each line",
    [
      '%9 = param {dtype="f32", name="w", shape=[8]} : f32[8]',
      '%9 = param {dtype="f32", name="w", shape=[8,1]} : f32[8,1]',
    ],
  ],
  [
    "a weight with more axes",
    [
      '%9 = param {dtype="f32", name="w", shape=[8]} : f32[8]',
      '%9 = param {dtype="f32", name="w", shape=[1,8]} : f32[1,8]',
    ],
  ],
  ["a square root above instead of below", ["rsqrt", "sqrt"]],
])("%s stays plain", (_what, ...changes) => {
  const text = edit(NORM, ...changes);
  expect(run(text)).toBe(untouched(text));
});

test("an eps whose shape makes x larger stays plain", () => {
  const text = `%0 = input {dtype="f32", name="x", shape=[1,8]} : f32[1,8]
    %1 = mul %0 %0 : f32[1,8]
    %2 = reduce_sum %1 {axis=1} : f32[1,1]
    %3 = constant {dtype="f32", shape=[], values=[8]} : f32[]
    %4 = div %2 %3 : f32[1,1]
    %5 = constant {dtype="f32", shape=[4,1], values=[0.5]} : f32[4,1]
    %6 = add %4 %5 : f32[4,1]
    %7 = rsqrt %6 : f32[4,1]
    %8 = mul %0 %7 : f32[4,8]
    %9 = param {dtype="f32", name="w", shape=[8]} : f32[8]
    %10 = mul %8 %9 : f32[4,8]
    return "y" = %10`;
  expect(run(text)).toBe(untouched(text));
});

/** The same with x - mean for x, and a bias. */
const LAYER_NORM = edit(
  NORM,
  [
    '%0 = input {dtype="f32", name="x", shape=[2,8,8]} : f32[2,8,8]',
    `%20 = input {dtype="f32", name="x", shape=[2,8,8]} : f32[2,8,8]
    %21 = reduce_sum %20 {axis=2} : f32[2,8,1]
    %22 = constant {dtype="f32", shape=[], values=[8]} : f32[]
    %23 = div %21 %22 : f32[2,8,1]
    %0 = sub %20 %23 : f32[2,8,8]`,
  ],
  [
    'return "y" = %10',
    `%24 = param {dtype="f32", name="b", shape=[8]} : f32[8]
    %25 = add %10 %24 : f32[2,8,8]
    return "y" = %25`,
  ],
);

describe("layer norm", () => {
  test("is the norm of x - mean with a bias", () => {
    expect(run(LAYER_NORM)).toMatchInlineSnapshot(`
      "%0 = input {dtype="f32", name="x", shape=[2,8,8]} : f32[2,8,8]
      %1 = param {dtype="f32", name="w", shape=[8]} : f32[8]
      %2 = param {dtype="f32", name="b", shape=[8]} : f32[8]
      %3 = layer_norm %0 %1 %2 {eps=0.5} : f32[2,8,8]
      return "y" = %3"
    `);
    expect(run(edit(LAYER_NORM, ["add %10 %24", "add %24 %10"]))).toBe(run(LAYER_NORM));
  });

  test.each<[string, ...(readonly [string, string])[]]>([
    [
      "a mean over another axis",
      ["reduce_sum %20 {axis=2} : f32[2,8,1]", "reduce_sum %20 {axis=1} : f32[2,1,8]"],
      ["div %21 %22 : f32[2,8,1]", "div %21 %22 : f32[2,1,8]"],
    ],
    [
      "the mean of something else",
      ["reduce_sum %20", "reduce_sum %26"],
      ["%21 =", "%26 = exp %20 : f32[2,8,8]\n%21 ="],
    ],
    ["the mean less x", ["sub %20 %23", "sub %23 %20"]],
    ["a sum of more than a bias", ['"b", shape=[8]} : f32[8]', '"b", shape=[2,8,8]} : f32[2,8,8]']],
  ])("%s stays a norm of that", (_what, ...changes) => {
    const text = run(edit(LAYER_NORM, ...changes));
    expect(text).toContain("rms_norm");
    expect(text).not.toContain("layer_norm");
  });
});
