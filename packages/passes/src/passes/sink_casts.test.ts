import { expect, test } from "vitest";
import { edit, transform, untouched } from "../testing/text.ts";
import { sinkCasts } from "./sink_casts.ts";

const run = (statements: string): string => transform(sinkCasts, statements);

const JOINED = `%0 = param {dtype="bf16", name="a", shape=[3,4]} : bf16[3,4]
  %1 = cast %0 {to="f32"} : f32[3,4]
  %2 = param {dtype="bf16", name="b", shape=[3,4]} : bf16[3,4]
  %3 = cast %2 {to="f32"} : f32[3,4]
  %4 = concat %1 %3 {axis=1} : f32[3,8]
  return "y" = %4`;

const PICKED = `%0 = param {dtype="f16", name="w", shape=[9,4]} : f16[9,4]
  %1 = cast %0 {to="f32"} : f32[9,4]
  %2 = input {dtype="i32", name="ids", shape=[2]} : i32[2]
  %3 = gather %1 %2 {batch=0} : f32[2,4]
  return "y" = %3`;

test("joined weights of 16 bits are widened after they are joined, along the same axis", () => {
  expect(run(JOINED)).toContain("concat %0 %1 {axis=1} : bf16[3,8]");
});

test("rows of a table of 16 bits are widened when they are read", () => {
  const sunk = run(PICKED);
  expect(sunk).toContain("gather %0 %1 {batch=0} : f16[2,4]");
  expect(sunk).toContain('cast %2 {to="f32"} : f32[2,4]');
});

test("rows picked for each row of a batch stay those of the row", () => {
  const batched = edit(
    PICKED,
    ["shape=[2]} : i32[2]", "shape=[9,2]} : i32[9,2]"],
    ["{batch=0} : f32[2,4]", "{batch=1} : f32[9,2]"],
  );
  expect(run(batched)).toContain("gather %0 %1 {batch=1} : f16[9,2]");
});

test.each<[string, string, ...(readonly [string, string])[]]>([
  [
    "weights of different widths",
    JOINED,
    ['%2 = param {dtype="bf16"', '%2 = param {dtype="f16"'],
    ['name="b", shape=[3,4]} : bf16', 'name="b", shape=[3,4]} : f16'],
  ],
  ["integers, which a cast rounds", PICKED, ['{dtype="f16"', '{dtype="i32"'], ["f16[9,4]", "i32[9,4]"]],
  [
    "weights that become integers",
    PICKED,
    ['cast %0 {to="f32"} : f32', 'cast %0 {to="i32"} : i32'],
    ["{batch=0} : f32", "{batch=0} : i32"],
  ],
  ["what is computed in each step", JOINED, ["= param", "= input"]],
])("%s stay as they are", (_what, text, ...changes) => {
  const other = edit(text, ...changes);
  expect(run(other)).toBe(untouched(other));
});
