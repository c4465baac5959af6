import { expect, test } from "vitest";
import { edit, transform, untouched } from "../testing/text.ts";
import { fuseEpilogue } from "./fuse_epilogue.ts";

const PRODUCT = `%0 = input {dtype="f32", name="x", shape=[2,4]} : f32[2,4]
  %1 = param {dtype="f32", name="w", shape=[4,4]} : f32[4,4]
  %2 = matmul %0 %1 {transposeB=true} : f32[2,4]`;
const BIAS = `%3 = param {dtype="f32", name="b", shape=[4]} : f32[4]
  %4 = add %2 %3 : f32[2,4]`;
const ALL = `${PRODUCT}\n${BIAS}
  %5 = silu %4 : f32[2,4]
  %6 = add %5 %0 : f32[2,4]
  return "y" = %6`;

const run = (statements: string): string => transform(fuseEpilogue, statements);

test("bias, activation and residual go into the product in one pass", () => {
  expect(run(ALL)).toMatchInlineSnapshot(`
    "%0 = input {dtype="f32", name="x", shape=[2,4]} : f32[2,4]
    %1 = param {dtype="f32", name="w", shape=[4,4]} : f32[4,4]
    %2 = param {dtype="f32", name="b", shape=[4]} : f32[4]
    %3 = linear %0 %1 %2 %0 {activation="silu", bias=true, residual=true} : f32[2,4]
    return "y" = %3"
  `);
});

test.each(["relu", "gelu_tanh"])("%s is an activation too", (activation) => {
  expect(run(ALL.replace("silu", activation))).toBe(run(ALL).replace("silu", activation));
});

test("operands of add may stand the other way round", () => {
  expect(run(edit(ALL, ["add %2 %3", "add %3 %2"], ["add %5 %0", "add %0 %5"]))).toBe(run(ALL));
});

test.each([
  ["bias", `${BIAS}\nreturn "y" = %4`, '%0 %1 %2 {activation="none", bias=true, residual=false}'],
  [
    "activation",
    '%3 = silu %2 : f32[2,4]\nreturn "y" = %3',
    '%0 %1 {activation="silu", bias=false, residual=false}',
  ],
  [
    "residual",
    '%3 = add %0 %2 : f32[2,4]\nreturn "y" = %3',
    '%0 %1 %0 {activation="none", bias=false, residual=true}',
  ],
  [
    "bias and residual",
    `${BIAS}\n%5 = add %4 %0 : f32[2,4]\nreturn "y" = %5`,
    '%0 %1 %2 %0 {activation="none", bias=true, residual=true}',
  ],
])("only %s", (_what, rest, linear) => {
  expect(run(`${PRODUCT}\n${rest}`)).toContain(`linear ${linear} : f32[2,4]`);
});

test("of two products that are added, one takes the other as its residual", () => {
  expect(
    run(`${PRODUCT}
      %3 = matmul %2 %1 {transposeB=true} : f32[2,4]
      %4 = matmul %0 %0 {transposeB=true} : f32[2,2]
      %5 = param {dtype="f32", name="v", shape=[4,2]} : f32[4,2]
      %6 = matmul %4 %5 {transposeB=true} : f32[2,4]
      %7 = add %3 %6 : f32[2,4]
      return "y" = %7`),
  ).toMatchInlineSnapshot(`
    "%0 = input {dtype="f32", name="x", shape=[2,4]} : f32[2,4]
    %1 = param {dtype="f32", name="w", shape=[4,4]} : f32[4,4]
    %2 = matmul %0 %1 {transposeB=true} : f32[2,4]
    %3 = matmul %0 %0 {transposeB=true} : f32[2,2]
    %4 = param {dtype="f32", name="v", shape=[4,2]} : f32[4,2]
    %5 = matmul %3 %4 {transposeB=true} : f32[2,4]
    %6 = linear %2 %1 %5 {activation="none", bias=false, residual=true} : f32[2,4]
    return "y" = %6"
  `);
});

test("a bias after the residual stays outside, for the op adds the residual last", () => {
  expect(
    run(`${PRODUCT}
      %3 = add %2 %0 : f32[2,4]
      %4 = param {dtype="f32", name="b", shape=[4]} : f32[4]
      %5 = add %3 %4 : f32[2,4]
      %6 = silu %5 : f32[2,4]
      return "y" = %6`),
  ).toMatchInlineSnapshot(`
    "%0 = input {dtype="f32", name="x", shape=[2,4]} : f32[2,4]
    %1 = param {dtype="f32", name="w", shape=[4,4]} : f32[4,4]
    %2 = linear %0 %1 %0 {activation="none", bias=false, residual=true} : f32[2,4]
    %3 = param {dtype="f32", name="b", shape=[4]} : f32[4]
    %4 = add %2 %3 : f32[2,4]
    %5 = silu %4 : f32[2,4]
    return "y" = %5"
  `);
});

test("a vector of another size is no bias, though it broadcasts", () => {
  const text = edit(`${PRODUCT}\n${BIAS}\nreturn "y" = %4`, [
    '"b", shape=[4]} : f32[4]',
    '"b", shape=[2,1]} : f32[2,1]',
  ]);
  expect(run(text)).toBe(untouched(text));
});

test.each<[string, string]>([
  [
    "a product that is read twice",
    `${PRODUCT}\n${BIAS}\n%5 = silu %2 : f32[2,4]\nreturn "y" = %4\nreturn "z" = %5`,
  ],
  ["a product that is an output too", `${PRODUCT}\n${BIAS}\nreturn "y" = %4\nreturn "z" = %2`],
  ["a product added to itself", `${PRODUCT}\n%3 = add %2 %2 : f32[2,4]\nreturn "y" = %3`],
  [
    "a product that add broadcasts",
    `${PRODUCT}\n%3 = input {dtype="f32", name="z", shape=[3,2,4]} : f32[3,2,4]\n%4 = add %2 %3 : f32[3,2,4]\nreturn "y" = %4`,
  ],
  [
    "a product with a weight stored the other way",
    `${PRODUCT}\n${BIAS}\nreturn "y" = %4`.replace("transposeB=true", "transposeB=false"),
  ],
  ["an activation products do not carry", `${PRODUCT}\n%3 = tanh %2 : f32[2,4]\nreturn "y" = %3`],
  [
    "a stack of matrices",
    `%0 = input {dtype="f32", name="q", shape=[3,2,4]} : f32[3,2,4]
    %1 = input {dtype="f32", name="k", shape=[3,5,4]} : f32[3,5,4]
    %2 = matmul %0 %1 {transposeB=true} : f32[3,2,5]
    %3 = silu %2 : f32[3,2,5]
    return "y" = %3`,
  ],
])("%s stays as it is", (_what, text) => {
  expect(run(text)).toBe(untouched(text));
});
