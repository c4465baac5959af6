import { expect, test } from "vitest";
import { transform, untouched } from "../testing/text.ts";
import { foldConstants } from "./fold_constants.ts";

const run = (statements: string): string => transform(foldConstants, statements);

test("ops of constants become constants, through several ops at once", () => {
  expect(
    run(`%0 = constant {dtype="f32", shape=[2], values=[1,2]} : f32[2]
      %1 = constant {dtype="f32", shape=[], values=[3]} : f32[]
      %2 = add %0 %1 : f32[2]
      %3 = mul %2 %2 : f32[2]
      %4 = lt %1 %3 : bool[2]
      return "y" = %3
      return "z" = %4`),
  ).toMatchInlineSnapshot(`
    "%0 = constant {dtype="f32", shape=[2], values=[16,25]} : f32[2]
    %1 = constant {dtype="bool", shape=[2], values=[1]} : bool[2]
    return "y" = %0
    return "z" = %1"
  `);
});

test("the result is rounded as the op rounds: f32, and i32 wraps", () => {
  expect(
    run(`%0 = constant {dtype="f32", shape=[], values=[1]} : f32[]
      %1 = constant {dtype="f32", shape=[], values=[3]} : f32[]
      %2 = div %0 %1 : f32[]
      %3 = constant {dtype="i32", shape=[], values=[2147483647]} : i32[]
      %4 = add %3 %3 : i32[]
      return "third" = %2
      return "wrapped" = %4`),
  ).toMatchInlineSnapshot(`
    "%0 = constant {dtype="f32", shape=[], values=[0.3333333432674408]} : f32[]
    %1 = constant {dtype="i32", shape=[], values=[-2]} : i32[]
    return "third" = %0
    return "wrapped" = %1"
  `);
});

test("infinities, NaN and signed zeros survive", () => {
  expect(
    run(`%0 = constant {dtype="f32", shape=[3], values=[0,-0,-1]} : f32[3]
      %1 = log %0 : f32[3]
      %2 = neg %0 : f32[3]
      return "logs" = %1
      return "negated" = %2`),
  ).toMatchInlineSnapshot(`
    "%0 = constant {dtype="f32", shape=[3], values=[-Infinity,-Infinity,NaN]} : f32[3]
    %1 = constant {dtype="f32", shape=[3], values=[-0,0,1]} : f32[3]
    return "logs" = %0
    return "negated" = %1"
  `);
});

test("weights, iota and large results stay expressions", () => {
  const text = `%0 = param {dtype="f32", name="w", shape=[2]} : f32[2]
    %1 = constant {dtype="f32", shape=[], values=[1]} : f32[]
    %2 = add %0 %1 : f32[2]
    %3 = iota {size=4} : i32[4]
    %4 = constant {dtype="i32", shape=[], values=[1]} : i32[]
    %5 = add %3 %4 : i32[4]
    %6 = broadcast_to %1 {shape=[5,13]} : f32[5,13]
    return "weight" = %2
    return "index" = %5
    return "large" = %6`;
  expect(run(text)).toBe(untouched(text));
  // 64 elements are the most that are written out.
  expect(run(text.replaceAll("5,13", "4,16"))).toContain('constant {dtype="f32", shape=[4,16], values=[1]}');
});
