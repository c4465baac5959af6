import { expect, test } from "vitest";
import { edit, transform, untouched } from "../testing/text.ts";
import { fuseAppend } from "./fuse_append.ts";

const LEAVES = `%0 = input {dtype="f32", name="x", shape=[2,3,20]} : f32[2,3,20]
  %1 = state {dtype="f32", name="cache", shape=[2,2,8,4]} : f32[2,2,8,4]
  %2 = input {dtype="i32", name="rows", shape=[2]} : i32[2]
  %3 = input {dtype="i32", name="at", shape=[2]} : i32[2]
  %4 = input {dtype="f32", name="cos", shape=[2,3,2]} : f32[2,3,2]`;
const HEADS = `%5 = slice %0 {sizes=[2,3,8], starts=[0,0,5]} : f32[2,3,8]
  %6 = reshape %5 {shape=[2,3,2,4]} : f32[2,3,2,4]
  %7 = transpose %6 {perm=[0,2,1,3]} : f32[2,2,3,4]`;
const PLAIN = `${LEAVES}
  ${HEADS}
  %8 = cache_write %1 %2 %3 %3 %7 {axis=2, ring=false} : f32[2,2,8,4]
  write "cache" = %8`;

const run = (statements: string): string => transform(fuseAppend, statements);

test("columns of a projection go straight to the cache", () => {
  expect(run(PLAIN)).toContain("append_heads %0 %1 %2 %2 %3 {ring=false, rotary=false, start=5}");
});

const NARROW = edit(
  PLAIN,
  [
    '%1 = state {dtype="f32", name="cache", shape=[2,2,8,4]} : f32[2,2,8,4]',
    '%1 = state {dtype="f16", name="cache", shape=[2,2,8,4]} : f16[2,2,8,4]',
  ],
  [
    "%8 = cache_write %1 %2 %3 %3 %7 {axis=2, ring=false} : f32[2,2,8,4]",
    '%8 = cast %7 {to="f16"} : f16[2,2,3,4]\n  %9 = cache_write %1 %2 %3 %3 %8 {axis=2, ring=false} : f16[2,2,8,4]',
  ],
  ['write "cache" = %8', 'write "cache" = %9'],
);

test("rounded on the way to a cache of f16", () => {
  expect(run(NARROW)).toMatch(/append_heads %\d %\d %\d %\d %\d \{ring=false, rotary=false, start=5\} : f16/);
});

test("turned on the way by rotary", () => {
  const turned = edit(
    PLAIN,
    [
      "%8 = cache_write %1 %2 %3 %3 %7",
      "%8 = rotary %7 %4 %4 : f32[2,2,3,4]\n  %9 = cache_write %1 %2 %3 %3 %8",
    ],
    ['write "cache" = %8', 'write "cache" = %9'],
  );
  expect(run(turned)).toMatch(
    /append_heads %\d %\d %\d %\d %\d %\d %\d \{ring=false, rotary=true, start=5\}/,
  );
});

test("each input keeps its place, also where rows, slots, counts, cosines and sines differ", () => {
  const apart = edit(
    PLAIN,
    [
      '%4 = input {dtype="f32", name="cos", shape=[2,3,2]} : f32[2,3,2]',
      `%4 = input {dtype="f32", name="cos", shape=[2,3,2]} : f32[2,3,2]
  %10 = input {dtype="f32", name="sin", shape=[2,3,2]} : f32[2,3,2]
  %11 = input {dtype="i32", name="count", shape=[2]} : i32[2]`,
    ],
    [
      "%8 = cache_write %1 %2 %3 %3 %7 {axis=2, ring=false}",
      "%8 = rotary %7 %4 %10 : f32[2,2,3,4]\n  %9 = cache_write %1 %2 %3 %11 %8 {axis=2, ring=true}",
    ],
    ['write "cache" = %8', 'write "cache" = %9'],
  );
  expect(run(apart)).toContain("append_heads %0 %1 %2 %3 %4 %5 %6 {ring=true, rotary=true, start=5}");
});

test.each<[string, ...(readonly [string, string])[]]>([
  [
    "of the first row alone",
    ["slice %0 {sizes=[2,3,8], starts=[0,0,5]}", "slice %12 {sizes=[2,3,8], starts=[1,0,5]}"],
    ["%1 = state", '%12 = input {dtype="f32", name="z", shape=[3,3,20]} : f32[3,3,20]\n  %1 = state'],
  ],
  [
    "of later tokens alone",
    ["slice %0 {sizes=[2,3,8], starts=[0,0,5]}", "slice %12 {sizes=[2,3,8], starts=[0,1,5]}"],
    ["%1 = state", '%12 = input {dtype="f32", name="z", shape=[2,4,20]} : f32[2,4,20]\n  %1 = state'],
  ],
])("columns %s are cut out first", (_what, ...changes) => {
  expect(run(edit(PLAIN, ...changes))).toMatch(/append_heads .*start=0\}/);
});

test("heads split the other way stay", () => {
  const other = edit(
    PLAIN,
    ["reshape %5 {shape=[2,3,2,4]} : f32[2,3,2,4]", "reshape %5 {shape=[2,2,3,4]} : f32[2,2,3,4]"],
    ["\n  %7 = transpose %6 {perm=[0,2,1,3]} : f32[2,2,3,4]", ""],
    ["%3 %3 %7", "%3 %3 %6"],
    ["%8", "%7"],
  );
  expect(run(other)).toBe(untouched(other));
});

test("so do heads of another axis order", () => {
  const other = edit(
    PLAIN,
    ["{axis=2, ring=false}", "{axis=1, ring=false}"],
    ["shape=[2,2,8,4]} : f32[2,2,8,4]", "shape=[2,8,3,4]} : f32[2,8,3,4]"],
    [" : f32[2,2,8,4]\n  write", " : f32[2,8,3,4]\n  write"],
  );
  expect(run(other)).toBe(untouched(other));
});
