import { expect, test } from "vitest";
import { sequence } from "../rewrite/pass.ts";
import { edit, transform, untouched } from "../testing/text.ts";
import { fuseEpilogue } from "./fuse_epilogue.ts";
import { fuseMlp } from "./fuse_mlp.ts";

const MLP = `%0 = input {dtype="f32", name="x", shape=[2,4]} : f32[2,4]
  %1 = param {dtype="f32", name="gate", shape=[6,4]} : f32[6,4]
  %2 = matmul %0 %1 {transposeB=true} : f32[2,6]
  %3 = silu %2 : f32[2,6]
  %4 = param {dtype="f32", name="up", shape=[6,4]} : f32[6,4]
  %5 = matmul %0 %4 {transposeB=true} : f32[2,6]
  %6 = mul %3 %5 : f32[2,6]
  return "y" = %6`;
const BIAS_GATE = [
  "%3 = silu %2",
  '%7 = param {dtype="f32", name="gate_bias", shape=[6]} : f32[6]\n%8 = add %2 %7 : f32[2,6]\n%3 = silu %8',
] as const;
const BIAS_UP = [
  "%6 = mul %3 %5",
  '%9 = param {dtype="f32", name="up_bias", shape=[6]} : f32[6]\n%10 = add %5 %9 : f32[2,6]\n%6 = mul %3 %10',
] as const;

const afterEpilogue = sequence("both", [fuseEpilogue, fuseMlp]);
const run = (statements: string): string => transform(fuseMlp, statements);

test("gate and up become one product with joined rows", () => {
  expect(run(MLP)).toMatchInlineSnapshot(`
    "%0 = input {dtype="f32", name="x", shape=[2,4]} : f32[2,4]
    %1 = param {dtype="f32", name="gate", shape=[6,4]} : f32[6,4]
    %2 = param {dtype="f32", name="up", shape=[6,4]} : f32[6,4]
    %3 = concat %1 %2 {axis=0} : f32[12,4]
    %4 = gated_linear %0 %3 {activation="silu", bias=false} : f32[2,6]
    return "y" = %4"
  `);
});

test("before or after fuse_epilogue, up first or second", () => {
  expect(transform(afterEpilogue, MLP)).toBe(run(MLP));
  expect(run(edit(MLP, ["mul %3 %5", "mul %5 %3"]))).toBe(run(MLP));
});

test("biases are joined as well", () => {
  expect(transform(afterEpilogue, edit(MLP, BIAS_GATE, BIAS_UP))).toMatchInlineSnapshot(`
    "%0 = input {dtype="f32", name="x", shape=[2,4]} : f32[2,4]
    %1 = param {dtype="f32", name="gate", shape=[6,4]} : f32[6,4]
    %2 = param {dtype="f32", name="up", shape=[6,4]} : f32[6,4]
    %3 = concat %1 %2 {axis=0} : f32[12,4]
    %4 = param {dtype="f32", name="gate_bias", shape=[6]} : f32[6]
    %5 = param {dtype="f32", name="up_bias", shape=[6]} : f32[6]
    %6 = concat %4 %5 {axis=0} : f32[12]
    %7 = gated_linear %0 %3 %6 {activation="silu", bias=true} : f32[2,6]
    return "y" = %7"
  `);
});

test("a second layer reads the first", () => {
  expect(
    run(
      edit(MLP, [
        'return "y" = %6',
        `%7 = param {dtype="f32", name="gate2", shape=[5,6]} : f32[5,6]
        %8 = matmul %6 %7 {transposeB=true} : f32[2,5]
        %9 = silu %8 : f32[2,5]
        %10 = param {dtype="f32", name="up2", shape=[5,6]} : f32[5,6]
        %11 = matmul %6 %10 {transposeB=true} : f32[2,5]
        %12 = mul %9 %11 : f32[2,5]
        return "y" = %12`,
      ]),
    ),
  ).toMatchInlineSnapshot(`
    "%0 = input {dtype="f32", name="x", shape=[2,4]} : f32[2,4]
    %1 = param {dtype="f32", name="gate", shape=[6,4]} : f32[6,4]
    %2 = param {dtype="f32", name="up", shape=[6,4]} : f32[6,4]
    %3 = concat %1 %2 {axis=0} : f32[12,4]
    %4 = gated_linear %0 %3 {activation="silu", bias=false} : f32[2,6]
    %5 = param {dtype="f32", name="gate2", shape=[5,6]} : f32[5,6]
    %6 = param {dtype="f32", name="up2", shape=[5,6]} : f32[5,6]
    %7 = concat %5 %6 {axis=0} : f32[10,6]
    %8 = gated_linear %4 %7 {activation="silu", bias=false} : f32[2,5]
    return "y" = %8"
  `);
});

test.each<[string, ...(readonly [string, string])[]]>([
  ["a bias on the gate alone", BIAS_GATE],
  ["a bias on up alone", BIAS_UP],
  ["no activation", ["mul %3 %5", "mul %2 %5"]],
  ["an activation of both", ["mul %3 %5", "mul %3 %11"], ["%6 = ", "%11 = silu %5 : f32[2,6]\n%6 = "]],
  ["an activation products do not carry", ["silu", "tanh"]],
  ["a sum instead of a product", ["mul %3 %5", "add %3 %5"]],
  [
    "another input of up",
    ["matmul %0 %4", "matmul %11 %4"],
    ["%4 = ", '%11 = input {dtype="f32", name="z", shape=[2,4]} : f32[2,4]\n%4 = '],
  ],
  ["a gate that is read again", ['return "y"', 'return "gate" = %3\nreturn "y"']],
  ["a product under the gate that is read again", ['return "y"', 'return "gate" = %2\nreturn "y"']],
  ["an up that is read again", ['return "y"', 'return "up" = %5\nreturn "y"']],
  [
    "a gate of one column",
    ['name="gate", shape=[6,4]} : f32[6,4]', 'name="gate", shape=[1,4]} : f32[1,4]'],
    ["matmul %0 %1 {transposeB=true} : f32[2,6]", "matmul %0 %1 {transposeB=true} : f32[2,1]"],
    ["silu %2 : f32[2,6]", "silu %2 : f32[2,1]"],
  ],
  [
    "a trainable weight, which is a state",
    ['%1 = param {dtype="f32", name="gate"', '%1 = state {dtype="f32", name="gate"'],
  ],
  ["a weight that is data", ['%4 = param {dtype="f32", name="up"', '%4 = input {dtype="f32", name="up"']],
])("%s stays as it is", (_what, ...changes) => {
  const text = edit(MLP, ...changes);
  expect(run(text)).toBe(untouched(text));
  expect(transform(afterEpilogue, text)).not.toContain("gated_linear");
});
