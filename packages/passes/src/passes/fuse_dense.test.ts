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

test("rows of a table of 16 bits are widened when they are read", () => {
  const sunk = transform(
    sinkCasts,
    `%0 = param {dtype="f16", name="w", shape=[9,4]} : f16[9,4]
  %1 = cast %0 {to="f32"} : f32[9,4]
  %2 = input {dtype="i32", name="ids", shape=[2]} : i32[2]
  %3 = gather %1 %2 {batch=0} : f32[2,4]
  return "y" = %3`,
  );
  expect(sunk).toContain("gather %0 %1 {batch=0} : f16[2,4]");
  expect(sunk).toContain('cast %2 {to="f32"} : f32[2,4]');
});

test("joined weights of different widths stay", () => {
  const mixed = edit(
    NARROW,
    ['%3 = param {dtype="bf16"', '%3 = param {dtype="f16"'],
    ['name="b", shape=[3,4]} : bf16', 'name="b", shape=[3,4]} : f16'],
  );
  expect(transform(sinkCasts, mixed)).toBe(untouched(mixed));
});
