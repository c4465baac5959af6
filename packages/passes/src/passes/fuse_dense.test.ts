import { expect, test } from "vitest";
import { edit, transform, untouched } from "../testing/text.ts";
import { fuseDense } from "./fuse_dense.ts";
import { sinkCasts } from "./sink_casts.ts";

const LEAVES = `%0 = input {dtype="f32", name="x", shape=[2,4]} : f32[2,4]
  %1 = param {dtype="f32", name="g", shape=[4]} : f32[4]
  %2 = param {dtype="f32", name="w", shape=[6,4]} : f32[6,4]
  %3 = rms_norm %0 %1 {eps=0.5} : f32[2,4]`;
const PRODUCT = `${LEAVES}
  %4 = matmul %3 %2 {transposeB=true} : f32[2,6]
  return "y" = %4`;

const run = (statements: string): string => transform(fuseDense("few"), statements);

test("a norm goes into the product that alone reads it", () => {
  expect(run(PRODUCT)).toContain(
    '= dense %0 %1 %2 {activation="none", bias=false, eps=0.5, gated=false, norm="rms", residual=false} : f32[2,6]',
  );
});

test("but not in a chunk of a prompt", () => {
  expect(transform(fuseDense("chunk"), PRODUCT)).toBe(untouched(PRODUCT));
});

test.each([
  ["linear", 'linear %3 %2 {activation="relu", bias=false, residual=false} : f32[2,6]', 'activation="relu"'],
  ["gated_linear", 'gated_linear %3 %2 {activation="silu", bias=false} : f32[2,3]', "gated=true"],
])("%s too", (_op, product, found) => {
  const changed = run(edit(PRODUCT, ["matmul %3 %2 {transposeB=true} : f32[2,6]", product]));
  expect(changed).toContain("= dense %0 %1 %2");
  expect(changed).toContain(found);
});

test("layer_norm too", () => {
  const layer = edit(PRODUCT, [
    "%3 = rms_norm %0 %1 {eps=0.5} : f32[2,4]",
    "%3 = layer_norm %0 %1 %1 {eps=0.5} : f32[2,4]",
  ]);
  expect(run(layer)).toMatch(/dense %0 %1 %1 %2 .*norm="layer"/);
});

test("a norm that others read stays", () => {
  const other = edit(PRODUCT, ['return "y" = %4', 'return "y" = %4\n  return "z" = %3']);
  expect(run(other)).toBe(untouched(other));
});

test("many rows and very wide products stay", () => {
  const many = edit(PRODUCT, ["[2,4]", "[33,4]"], ["f32[2,6]", "f32[33,6]"]);
  expect(run(many)).toBe(untouched(many));
  const wide = edit(PRODUCT, ["[6,4]", "[129,4]"], ["f32[2,6]", "f32[2,129]"]);
  expect(run(wide)).toBe(untouched(wide));
});

const NARROW = `%0 = input {dtype="f32", name="x", shape=[2,4]} : f32[2,4]
  %1 = param {dtype="bf16", name="a", shape=[3,4]} : bf16[3,4]
  %2 = cast %1 {to="f32"} : f32[3,4]
  %3 = param {dtype="bf16", name="b", shape=[3,4]} : bf16[3,4]
  %4 = cast %3 {to="f32"} : f32[3,4]
  %5 = concat %2 %4 {axis=0} : f32[6,4]
  %6 = linear %0 %5 {activation="none", bias=false, residual=false} : f32[2,6]
  return "y" = %6`;

test("joined weights of 16 bits stay so, and products read them", () => {
  const sunk = transform(sinkCasts, NARROW);
  expect(sunk).toContain("concat %1 %2 {axis=0} : bf16[6,4]");
  expect(transform(fuseDense("few"), sunk)).toMatch(/dense %0 %\d \{.*norm="none"/);
});

test("a weight of 16 bits that is widened for a product is read as it is, and one of 8 is not", () => {
  const text = `%0 = input {dtype="f32", name="x", shape=[2,4]} : f32[2,4]
  %1 = param {dtype="f16", name="w", shape=[6,4]} : f16[6,4]
  %2 = cast %1 {to="f32"} : f32[6,4]
  %3 = matmul %0 %2 {transposeB=true} : f32[2,6]
  return "y" = %3`;
  expect(run(text)).toContain("= dense %0 %1 {");
  const bytes = text.replaceAll("f16", "i8");
  expect(run(bytes)).toBe(untouched(bytes));
});

test("a norm with bias, residual and activation keeps each in its place", () => {
  const all = `${LEAVES}
  %4 = param {dtype="f32", name="bias", shape=[6]} : f32[6]
  %5 = input {dtype="f32", name="residual", shape=[2,6]} : f32[2,6]
  %6 = linear %3 %2 %4 %5 {activation="silu", bias=true, residual=true} : f32[2,6]
  return "y" = %6`;
  expect(run(all)).toContain("= dense %0 %1 %2 %3 %4 {");
  const gated = `${LEAVES}
  %4 = param {dtype="f32", name="bias", shape=[6]} : f32[6]
  %5 = gated_linear %3 %2 %4 {activation="silu", bias=true} : f32[2,3]
  return "y" = %5`;
  expect(run(gated)).toContain("= dense %0 %1 %2 %3 {");
});

test("a layer norm keeps its gain and its shift", () => {
  const layer = edit(
    PRODUCT,
    ["%2 = param", '%9 = param {dtype="f32", name="shift", shape=[4]} : f32[4]\n  %2 = param'],
    ["%3 = rms_norm %0 %1 {eps=0.5} : f32[2,4]", "%3 = layer_norm %0 %1 %9 {eps=0.5} : f32[2,4]"],
  );
  expect(run(layer)).toMatch(/dense %0 %1 %2 %3 .*norm="layer"/);
});

test("a product with columns, or with many matrices, stays", () => {
  const columns = edit(PRODUCT, ["[6,4]", "[4,6]"], ["{transposeB=true}", "{transposeB=false}"]);
  expect(run(columns)).toBe(untouched(columns));
  const many = edit(PRODUCT, ["[2,4]", "[3,2,4]"], ["[6,4]", "[3,6,4]"], ["f32[2,6]", "f32[3,2,6]"]);
  expect(run(many)).toBe(untouched(many));
});
