import { expect, test } from "vitest";
import { type Pass, sequence } from "../rewrite/pass.ts";
import { transform, untouched } from "../testing/text.ts";
import { fuseDequantize } from "./fuse_dequantize.ts";
import { quantizeWeights } from "./quantize_weights.ts";

const passes = sequence("both", [quantizeWeights({ bits: 8, group: 4 }), fuseDequantize]);

/** What is rounded to few bits computes something else. */
const rounded = (pass: Pass, statements: string): string => transform(pass, statements, { changes: true });

const LINEAR = `%0 = input {dtype="f32", name="x", shape=[2,8]} : f32[2,8]
  %1 = param {dtype="bf16", name="w", shape=[6,8]} : bf16[6,8]
  %2 = cast %1 {to="f32"} : f32[6,8]
  %3 = matmul %0 %2 {transposeB=true} : f32[2,6]
  return "y" = %3`;

test("a product with a stored matrix becomes one of integers", () => {
  expect(rounded(passes, LINEAR)).toMatchInlineSnapshot(`
    "%0 = input {dtype="f32", name="x", shape=[2,8]} : f32[2,8]
    %1 = group_scales %0 {layout="s7 group=4", search=false} : f32[2,2]
    %2 = quantize_rows %0 %1 {layout="s7 group=4"} : i8[2,8]
    %3 = param {dtype="bf16", name="w", shape=[6,8]} : bf16[6,8]
    %4 = cast %3 {to="f32"} : f32[6,8]
    %5 = group_scales %4 {layout="s8 group=4", search=false} : f32[6,2]
    %6 = quantize_rows %4 %5 {layout="s8 group=4"} : i8[6,8]
    %7 = quantized_matmul %2 %1 %6 %5 {activation="none", bias=false, gated=false, layout="s8 group=4", residual=false} : f32[2,6]
    return "y" = %7"
  `);
});

test("joined matrices are quantized one by one, and rows are picked from codes", () => {
  const both = `%0 = input {dtype="i32", name="ids", shape=[3]} : i32[3]
  %1 = param {dtype="f32", name="a", shape=[6,8]} : f32[6,8]
  %2 = param {dtype="f32", name="b", shape=[2,8]} : f32[2,8]
  %3 = gather %1 %0 {batch=0} : f32[3,8]
  %4 = concat %1 %2 {axis=0} : f32[8,8]
  %5 = gated_linear %3 %4 {activation="silu", bias=false} : f32[3,4]
  return "y" = %5`;
  expect(rounded(passes, both)).toMatchInlineSnapshot(`
    "%0 = param {dtype="f32", name="a", shape=[6,8]} : f32[6,8]
    %1 = group_scales %0 {layout="s8 group=4", search=false} : f32[6,2]
    %2 = quantize_rows %0 %1 {layout="s8 group=4"} : i8[6,8]
    %3 = input {dtype="i32", name="ids", shape=[3]} : i32[3]
    %4 = gather %2 %3 {batch=0} : i8[3,8]
    %5 = gather %1 %3 {batch=0} : f32[3,2]
    %6 = dequantize %4 %5 {layout="s8 group=4"} : f32[3,8]
    %7 = group_scales %6 {layout="s7 group=4", search=false} : f32[3,2]
    %8 = quantize_rows %6 %7 {layout="s7 group=4"} : i8[3,8]
    %9 = param {dtype="f32", name="b", shape=[2,8]} : f32[2,8]
    %10 = group_scales %9 {layout="s8 group=4", search=false} : f32[2,2]
    %11 = quantize_rows %9 %10 {layout="s8 group=4"} : i8[2,8]
    %12 = concat %2 %11 {axis=0} : i8[8,8]
    %13 = concat %1 %10 {axis=0} : f32[8,2]
    %14 = quantized_matmul %8 %7 %12 %13 {activation="silu", bias=false, gated=true, layout="s8 group=4", residual=false} : f32[3,4]
    return "y" = %14"
  `);
});

test("a scale for a whole row", () => {
  const text = rounded(quantizeWeights({ bits: 8, group: "row" }), LINEAR);
  expect(text).toContain('group_scales %2 {layout="s8 group=8", search=false} : f32[6,1]');
});

test("rows that groups do not divide, matrices that are computed, and tables stay as they are", () => {
  const other = LINEAR.replaceAll("8]", "6]");
  expect(rounded(passes, other)).toBe(untouched(other));
  const computed = LINEAR.replace(
    "%2 = cast",
    '%9 = input {dtype="f32", name="z", shape=[6,8]} : f32[6,8]\n%2 = cast',
  )
    .replace("matmul %0 %2", "matmul %0 %9")
    .replace('\n  %1 = param {dtype="bf16", name="w", shape=[6,8]} : bf16[6,8]', "")
    .replace('\n%2 = cast %1 {to="f32"} : f32[6,8]', "");
  expect(rounded(passes, computed)).toBe(untouched(computed));
  const table = `%0 = input {dtype="i32", name="ids", shape=[3]} : i32[3]
  %1 = trig_table {fn="cos", frequencies=[1,0.5,0.25,0.125], length=6, scale=1} : f32[6,4]
  %2 = gather %1 %0 {batch=0} : f32[3,4]
  return "y" = %2`;
  expect(rounded(passes, table)).toBe(untouched(table));
});

test("matrices that are stored quantized and were joined stay as they are", () => {
  const stored = `%0 = input {dtype="f32", name="x", shape=[2,8]} : f32[2,8]
  %1 = param {dtype="i8", name="q.codes", shape=[6,8]} : i8[6,8]
  %2 = param {dtype="f32", name="q.scales", shape=[6,1]} : f32[6,1]
  %3 = dequantize %1 %2 {layout="i4 group=8"} : f32[6,8]
  %4 = param {dtype="i8", name="k.codes", shape=[2,8]} : i8[2,8]
  %5 = param {dtype="f32", name="k.scales", shape=[2,1]} : f32[2,1]
  %6 = dequantize %4 %5 {layout="i4 group=8"} : f32[2,8]
  %7 = concat %3 %6 {axis=0} : f32[8,8]
  %8 = matmul %0 %7 {transposeB=true} : f32[2,8]
  return "y" = %8`;
  expect(rounded(quantizeWeights({ bits: 8, group: 4 }), stored)).toBe(untouched(stored));
});

const MATRIX = '%1 = param {dtype="f32", name="w", shape=[6,8]} : f32[6,8]';
const X = '%0 = input {dtype="f32", name="x", shape=[2,8]} : f32[2,8]';

test.each<[string, string]>([
  [
    "a matrix whose columns a product reads",
    `%0 = input {dtype="f32", name="x", shape=[2,6]} : f32[2,6]
    ${MATRIX}
    %2 = matmul %0 %1 {transposeB=false} : f32[2,8]
    return "y" = %2`,
  ],
  [
    "rows picked for each row of a batch",
    `%0 = input {dtype="i32", name="ids", shape=[6,1]} : i32[6,1]
    ${MATRIX}
    %2 = gather %1 %0 {batch=1} : f32[6,1]
    return "y" = %2`,
  ],
  [
    "many matrices",
    `%0 = input {dtype="f32", name="x", shape=[3,2,8]} : f32[3,2,8]
    %1 = param {dtype="f32", name="w", shape=[3,8,8]} : f32[3,8,8]
    %2 = matmul %0 %1 {transposeB=true} : f32[3,2,8]
    return "y" = %2`,
  ],
  [
    "a matrix that an input has a part in",
    `${X}
    ${MATRIX}
    %2 = input {dtype="f32", name="scale", shape=[]} : f32[]
    %3 = mul %1 %2 : f32[6,8]
    %4 = matmul %0 %3 {transposeB=true} : f32[2,6]
    return "y" = %4`,
  ],
  [
    "a table of rows in another dtype",
    `%0 = input {dtype="i32", name="ids", shape=[3]} : i32[3]
    %1 = param {dtype="bf16", name="w", shape=[6,8]} : bf16[6,8]
    %2 = gather %1 %0 {batch=0} : bf16[3,8]
    return "y" = %2`,
  ],
  [
    "what no product reads",
    `${X}
    %1 = param {dtype="f32", name="w", shape=[2,8]} : f32[2,8]
    %2 = add %0 %1 : f32[2,8]
    return "y" = %2`,
  ],
  [
    "a matrix that is stored quantized",
    `${X}
    %1 = param {dtype="i8", name="codes", shape=[6,8]} : i8[6,8]
    %2 = param {dtype="f32", name="scales", shape=[6,1]} : f32[6,1]
    %3 = dequantize %1 %2 {layout="i4 group=8"} : f32[6,8]
    %4 = matmul %0 %3 {transposeB=true} : f32[2,6]
    return "y" = %4`,
  ],
])("%s stays as it is", (_what, text) => {
  expect(transform(quantizeWeights({ bits: 8, group: 4 }), text)).toBe(untouched(text));
});

test("the weights of linear and gated_linear are quantized too", () => {
  for (const product of [
    'linear %0 %1 {activation="none", bias=false, residual=false} : f32[2,6]',
    'gated_linear %0 %1 {activation="silu", bias=false} : f32[2,3]',
  ]) {
    const text = rounded(
      quantizeWeights({ bits: 4, group: 8 }),
      `${X}\n${MATRIX}\n%2 = ${product}\nreturn "y" = %2`,
    );
    expect(text).toContain('dequantize %3 %2 {layout="i4 group=8"}');
  }
});
