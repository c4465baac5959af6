import { expect, test } from "vitest";
import { edit, transform, untouched } from "../testing/text.ts";
import { fuseRotary } from "./fuse_rotary.ts";

const ROTARY = `%0 = input {dtype="f32", name="x", shape=[2,4,4,8]} : f32[2,4,4,8]
  %1 = slice %0 {sizes=[2,4,4,4], starts=[0,0,0,0]} : f32[2,4,4,4]
  %2 = input {dtype="f32", name="cos", shape=[2,4,4]} : f32[2,4,4]
  %3 = reshape %2 {shape=[2,1,4,4]} : f32[2,1,4,4]
  %4 = mul %1 %3 : f32[2,4,4,4]
  %5 = slice %0 {sizes=[2,4,4,4], starts=[0,0,0,4]} : f32[2,4,4,4]
  %6 = input {dtype="f32", name="sin", shape=[2,4,4]} : f32[2,4,4]
  %7 = reshape %6 {shape=[2,1,4,4]} : f32[2,1,4,4]
  %8 = mul %5 %7 : f32[2,4,4,4]
  %9 = sub %4 %8 : f32[2,4,4,4]
  %10 = mul %5 %3 : f32[2,4,4,4]
  %11 = mul %1 %7 : f32[2,4,4,4]
  %12 = add %10 %11 : f32[2,4,4,4]
  %13 = concat %9 %12 {axis=3} : f32[2,4,4,8]
  return "y" = %13`;

const run = (statements: string): string => transform(fuseRotary, statements);

test("the plain form becomes one op", () => {
  expect(run(ROTARY)).toMatchInlineSnapshot(`
    "%0 = input {dtype="f32", name="x", shape=[2,4,4,8]} : f32[2,4,4,8]
    %1 = input {dtype="f32", name="cos", shape=[2,4,4]} : f32[2,4,4]
    %2 = input {dtype="f32", name="sin", shape=[2,4,4]} : f32[2,4,4]
    %3 = rotary %0 %1 %2 : f32[2,4,4,8]
    return "y" = %3"
  `);
});

test("integers stay as they are: rotary takes f32", () => {
  const integers = ROTARY.replaceAll("f32", "i32");
  expect(run(integers)).toBe(untouched(integers));
});

test("operands of mul and add may stand the other way round", () => {
  expect(
    run(edit(ROTARY, ["mul %1 %3", "mul %3 %1"], ["add %10 %11", "add %11 %10"], ["mul %5 %3", "mul %3 %5"])),
  ).toBe(run(ROTARY));
});

test("a part of each head turns: the slices of that part's halves were merged by canonicalise", () => {
  const partial = edit(
    ROTARY,
    ['name="x", shape=[2,4,4,8]} : f32[2,4,4,8]', 'name="x", shape=[2,4,4,20]} : f32[2,4,4,20]'],
    ["starts=[0,0,0,4]", "starts=[0,0,0,6]"],
    ["starts=[0,0,0,0]", "starts=[0,0,0,2]"],
  );
  expect(run(partial)).toMatchInlineSnapshot(`
    "%0 = input {dtype="f32", name="x", shape=[2,4,4,20]} : f32[2,4,4,20]
    %1 = slice %0 {sizes=[2,4,4,8], starts=[0,0,0,2]} : f32[2,4,4,8]
    %2 = input {dtype="f32", name="cos", shape=[2,4,4]} : f32[2,4,4]
    %3 = input {dtype="f32", name="sin", shape=[2,4,4]} : f32[2,4,4]
    %4 = rotary %1 %2 %3 : f32[2,4,4,8]
    return "y" = %4"
  `);
});

test("angles may be shared by the rows, or come from a merged reshape", () => {
  const shared = edit(
    ROTARY,
    ['name="cos", shape=[2,4,4]} : f32[2,4,4]', 'name="cos", shape=[4,4]} : f32[4,4]'],
    ["reshape %2 {shape=[2,1,4,4]} : f32[2,1,4,4]", "reshape %2 {shape=[1,1,4,4]} : f32[1,1,4,4]"],
  );
  expect(run(shared)).toMatchInlineSnapshot(`
    "%0 = input {dtype="f32", name="x", shape=[2,4,4,8]} : f32[2,4,4,8]
    %1 = input {dtype="f32", name="cos", shape=[4,4]} : f32[4,4]
    %2 = reshape %1 {shape=[1,1,4,4]} : f32[1,1,4,4]
    %3 = broadcast_to %2 {shape=[2,1,4,4]} : f32[2,1,4,4]
    %4 = reshape %3 {shape=[2,4,4]} : f32[2,4,4]
    %5 = input {dtype="f32", name="sin", shape=[2,4,4]} : f32[2,4,4]
    %6 = rotary %0 %4 %5 : f32[2,4,4,8]
    return "y" = %6"
  `);
  const merged = edit(ROTARY, [
    'name="sin", shape=[2,4,4]} : f32[2,4,4]',
    'name="sin", shape=[8,4]} : f32[8,4]',
  ]);
  expect(run(merged)).toMatchInlineSnapshot(`
    "%0 = input {dtype="f32", name="x", shape=[2,4,4,8]} : f32[2,4,4,8]
    %1 = input {dtype="f32", name="cos", shape=[2,4,4]} : f32[2,4,4]
    %2 = input {dtype="f32", name="sin", shape=[8,4]} : f32[8,4]
    %3 = reshape %2 {shape=[2,1,4,4]} : f32[2,1,4,4]
    %4 = reshape %3 {shape=[2,4,4]} : f32[2,4,4]
    %5 = rotary %0 %1 %4 : f32[2,4,4,8]
    return "y" = %5"
  `);
});

test.each<[string, ...(readonly [string, string])[]]>([
  ["joined along another axis", ["{axis=3} : f32[2,4,4,8]", "{axis=2} : f32[2,4,8,4]"]],
  ["the second half first", ["concat %9 %12", "concat %12 %9"]],
  ["a sign the other way", ["sub %4 %8", "add %4 %8"]],
  ["sub turned round", ["sub %4 %8", "sub %8 %4"]],
  ["halves that overlap", ["starts=[0,0,0,4]", "starts=[0,0,0,3]"]],
  [
    "halves in the wrong order",
    ["starts=[0,0,0,4]", "starts=[0,0,0,9]"],
    ["starts=[0,0,0,0]", "starts=[0,0,0,4]"],
    ["starts=[0,0,0,9]", "starts=[0,0,0,0]"],
  ],
  ["cos and sin exchanged in one half", ["mul %5 %3", "mul %5 %7"], ["mul %1 %7", "mul %1 %3"]],
  [
    "angles for each head",
    ['name="cos", shape=[2,4,4]} : f32[2,4,4]', 'name="cos", shape=[2,4,4,4]} : f32[2,4,4,4]'],
    ["reshape %2 {shape=[2,1,4,4]} : f32[2,1,4,4]", "exp %2 : f32[2,4,4,4]"],
  ],
  [
    "angles for each head instead of each position",
    ["reshape %2 {shape=[2,1,4,4]} : f32[2,1,4,4]", "reshape %2 {shape=[2,4,1,4]} : f32[2,4,1,4]"],
  ],
  [
    "one angle for all pairs",
    ['name="cos", shape=[2,4,4]} : f32[2,4,4]', 'name="cos", shape=[2,4,1]} : f32[2,4,1]'],
    ["reshape %2 {shape=[2,1,4,4]} : f32[2,1,4,4]", "reshape %2 {shape=[2,1,4,1]} : f32[2,1,4,1]"],
  ],
  [
    "halves of different tensors",
    ["slice %0 {sizes=[2,4,4,4], starts=[0,0,0,4]}", "slice %14 {sizes=[2,4,4,4], starts=[0,0,0,4]}"],
    ["%1 = ", '%14 = input {dtype="f32", name="z", shape=[2,4,4,8]} : f32[2,4,4,8]\n%1 = '],
  ],
])("%s stays plain", (_what, ...changes) => {
  const text = edit(ROTARY, ...changes);
  expect(run(text)).toBe(untouched(text));
});

test("halves of tensors that are not [B, heads, T, D] stay plain", () => {
  const text = `%0 = input {dtype="f32", name="x", shape=[2,1,8]} : f32[2,1,8]
    %1 = slice %0 {sizes=[2,1,4], starts=[0,0,0]} : f32[2,1,4]
    %2 = input {dtype="f32", name="cos", shape=[2,1,4]} : f32[2,1,4]
    %3 = mul %1 %2 : f32[2,1,4]
    %4 = slice %0 {sizes=[2,1,4], starts=[0,0,4]} : f32[2,1,4]
    %5 = input {dtype="f32", name="sin", shape=[2,1,4]} : f32[2,1,4]
    %6 = mul %4 %5 : f32[2,1,4]
    %7 = sub %3 %6 : f32[2,1,4]
    %8 = mul %4 %2 : f32[2,1,4]
    %9 = mul %1 %5 : f32[2,1,4]
    %10 = add %8 %9 : f32[2,1,4]
    %11 = concat %7 %10 {axis=2} : f32[2,1,8]
    return "y" = %11`;
  expect(run(text)).toBe(untouched(text));
});
