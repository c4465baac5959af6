import { describe, expect, test } from "vitest";
import { transform, untouched } from "../testing/text.ts";
import { canonicalise } from "./canonicalise.ts";

const run = (statements: string): string => transform(canonicalise, statements);
const X = '%0 = input {dtype="f32", name="x", shape=[2,3]} : f32[2,3]';
const SCALAR = (value: string) => `%1 = constant {dtype="f32", shape=[], values=[${value}]} : f32[]`;

describe("arithmetic", () => {
  test.each([
    ["add %0 %1", "-0"],
    ["add %1 %0", "-0"],
    ["sub %0 %1", "0"],
    ["mul %0 %1", "1"],
    ["mul %1 %0", "1"],
    ["div %0 %1", "1"],
  ])("%s with %s is x", (op, value) => {
    expect(run(`${X}\n${SCALAR(value)}\n%2 = ${op} : f32[2,3]\nreturn "y" = %2`)).toBe(
      untouched(`${X}\nreturn "y" = %0`),
    );
  });

  test.each([
    ["add %0 %1", "0"],
    ["sub %0 %1", "-0"],
    ["sub %1 %0", "0"],
    ["div %1 %0", "1"],
    ["add %0 %1", "1"],
    ["mul %0 %1", "0"],
    ["max %0 %1", "0"],
  ])("%s with %s stays", (op, value) => {
    const text = `${X}\n${SCALAR(value)}\n%2 = ${op} : f32[2,3]\nreturn "y" = %2`;
    expect(run(text)).toBe(untouched(text));
  });

  test("a zero that broadcasts x to a larger shape stays", () => {
    const text = `${X}
      %1 = constant {dtype="f32", shape=[4,1,1], values=[0]} : f32[4,1,1]
      %2 = add %0 %1 : f32[4,2,3]
      return "y" = %2`;
    expect(run(text)).toBe(untouched(text));
  });

  test("integer zeros and ones go as well", () => {
    const text = `%0 = input {dtype="i32", name="n", shape=[2]} : i32[2]
      %1 = constant {dtype="i32", shape=[], values=[0]} : i32[]
      %2 = add %0 %1 : i32[2]
      return "y" = %2`;
    expect(run(text)).toMatchInlineSnapshot(`
      "%0 = input {dtype="i32", name="n", shape=[2]} : i32[2]
      return "y" = %0"
    `);
  });

  test("two signs and two nots cancel, one stays", () => {
    expect(
      run(`${X}
        %1 = neg %0 : f32[2,3]
        %2 = neg %1 : f32[2,3]
        %3 = neg %2 : f32[2,3]
        %4 = lt %3 %0 : bool[2,3]
        %5 = not %4 : bool[2,3]
        %6 = not %5 : bool[2,3]
        return "y" = %6`),
    ).toMatchInlineSnapshot(`
      "%0 = input {dtype="f32", name="x", shape=[2,3]} : f32[2,3]
      %1 = neg %0 : f32[2,3]
      %2 = lt %1 %0 : bool[2,3]
      return "y" = %2"
    `);
  });
});

describe("movement", () => {
  test("views of views are one view", () => {
    expect(
      run(`${X}
        %1 = reshape %0 {shape=[6]} : f32[6]
        %2 = reshape %1 {shape=[3,2]} : f32[3,2]
        %3 = reshape %2 {shape=[2,3]} : f32[2,3]
        return "a" = %2
        return "b" = %3`),
    ).toMatchInlineSnapshot(`
      "%0 = input {dtype="f32", name="x", shape=[2,3]} : f32[2,3]
      %1 = reshape %0 {shape=[3,2]} : f32[3,2]
      return "a" = %1
      return "b" = %0"
    `);
  });

  test("orders of axes compose", () => {
    expect(
      run(`%0 = input {dtype="f32", name="x", shape=[2,3,4]} : f32[2,3,4]
        %1 = transpose %0 {perm=[1,2,0]} : f32[3,4,2]
        %2 = transpose %1 {perm=[1,2,0]} : f32[4,2,3]
        %3 = transpose %2 {perm=[1,2,0]} : f32[2,3,4]
        return "a" = %2
        return "b" = %3`),
    ).toMatchInlineSnapshot(`
      "%0 = input {dtype="f32", name="x", shape=[2,3,4]} : f32[2,3,4]
      %1 = transpose %0 {perm=[2,0,1]} : f32[4,2,3]
      return "a" = %1
      return "b" = %0"
    `);
  });

  test("a transpose that moves axes of size 1 past others is a view, any other is not", () => {
    expect(
      run(`%0 = input {dtype="f32", name="x", shape=[2,1,3,4]} : f32[2,1,3,4]
        %1 = transpose %0 {perm=[0,2,1,3]} : f32[2,3,1,4]
        %2 = transpose %0 {perm=[2,0,1,3]} : f32[3,2,1,4]
        return "view" = %1
        return "copy" = %2`),
    ).toMatchInlineSnapshot(`
      "%0 = input {dtype="f32", name="x", shape=[2,1,3,4]} : f32[2,1,3,4]
      %1 = reshape %0 {shape=[2,3,1,4]} : f32[2,3,1,4]
      %2 = transpose %0 {perm=[2,0,1,3]} : f32[3,2,1,4]
      return "view" = %1
      return "copy" = %2"
    `);
  });

  test("slices of slices add their starts", () => {
    expect(
      run(`%0 = input {dtype="f32", name="x", shape=[8,4]} : f32[8,4]
        %1 = slice %0 {sizes=[6,4], starts=[1,0]} : f32[6,4]
        %2 = slice %1 {sizes=[2,3], starts=[3,1]} : f32[2,3]
        return "y" = %2`),
    ).toMatchInlineSnapshot(`
      "%0 = input {dtype="f32", name="x", shape=[8,4]} : f32[8,4]
      %1 = slice %0 {sizes=[2,3], starts=[4,1]} : f32[2,3]
      return "y" = %1"
    `);
  });

  test("matmul takes over a transpose of its right matrix, in both orientations", () => {
    expect(
      run(`%0 = input {dtype="f32", name="a", shape=[2,3]} : f32[2,3]
        %1 = input {dtype="f32", name="b", shape=[5,3]} : f32[5,3]
        %2 = transpose %1 {perm=[1,0]} : f32[3,5]
        %3 = matmul %0 %2 {transposeB=false} : f32[2,5]
        %4 = input {dtype="f32", name="c", shape=[3,5]} : f32[3,5]
        %5 = transpose %4 {perm=[1,0]} : f32[5,3]
        %6 = matmul %0 %5 {transposeB=true} : f32[2,5]
        return "y" = %3
        return "z" = %6`),
    ).toMatchInlineSnapshot(`
      "%0 = input {dtype="f32", name="a", shape=[2,3]} : f32[2,3]
      %1 = input {dtype="f32", name="b", shape=[5,3]} : f32[5,3]
      %2 = matmul %0 %1 {transposeB=true} : f32[2,5]
      %3 = input {dtype="f32", name="c", shape=[3,5]} : f32[3,5]
      %4 = matmul %0 %3 {transposeB=false} : f32[2,5]
      return "y" = %2
      return "z" = %4"
    `);
  });

  test.each([
    [
      "of its left matrix",
      "transpose %0 {perm=[1,0]} : f32[3,2]",
      "matmul %2 %0 {transposeB=false} : f32[3,3]",
    ],
    [
      "of the stack's axes",
      "transpose %1 {perm=[1,0,2]} : f32[3,4,5]",
      "matmul %0 %2 {transposeB=true} : f32[3,2,4]",
    ],
  ])("matmul keeps a transpose %s", (_what, transpose, matmul) => {
    const left = transpose.includes("%1") ? "[2,5]" : "[2,3]";
    const text = `%0 = input {dtype="f32", name="a", shape=${left}} : f32${left}
      %1 = input {dtype="f32", name="b", shape=[4,3,5]} : f32[4,3,5]
      %2 = ${transpose}
      %3 = ${matmul}
      return "y" = %3
      return "b" = %1`;
    expect(run(text)).toBe(untouched(text));
  });
});

describe("broadcasts", () => {
  test("go where the other operand already has the shape, on either side, the order of operands kept", () => {
    expect(
      run(`%0 = input {dtype="f32", name="x", shape=[3]} : f32[3]
        %1 = input {dtype="f32", name="y", shape=[2,3]} : f32[2,3]
        %2 = broadcast_to %0 {shape=[2,3]} : f32[2,3]
        %3 = sub %2 %1 : f32[2,3]
        %4 = sub %1 %2 : f32[2,3]
        %5 = lt %2 %1 : bool[2,3]
        return "a" = %3
        return "b" = %4
        return "c" = %5`),
    ).toMatchInlineSnapshot(`
      "%0 = input {dtype="f32", name="x", shape=[3]} : f32[3]
      %1 = input {dtype="f32", name="y", shape=[2,3]} : f32[2,3]
      %2 = sub %0 %1 : f32[2,3]
      %3 = sub %1 %0 : f32[2,3]
      %4 = lt %0 %1 : bool[2,3]
      return "a" = %2
      return "b" = %3
      return "c" = %4"
    `);
  });

  test("stay where they make the result's shape", () => {
    const text = `%0 = input {dtype="f32", name="x", shape=[3]} : f32[3]
      %1 = input {dtype="f32", name="y", shape=[2,1]} : f32[2,1]
      %2 = broadcast_to %0 {shape=[4,3]} : f32[4,3]
      %3 = exp %2 : f32[4,3]
      %4 = broadcast_to %0 {shape=[2,3]} : f32[2,3]
      %5 = add %4 %1 : f32[2,3]
      return "a" = %3
      return "b" = %5`;
    expect(run(text)).toBe(untouched(text));
  });

  test("of both operands leave one", () => {
    expect(
      run(`%0 = input {dtype="f32", name="x", shape=[3]} : f32[3]
        %1 = broadcast_to %0 {shape=[2,3]} : f32[2,3]
        %2 = mul %1 %1 : f32[2,3]
        return "y" = %2`),
    ).toMatchInlineSnapshot(`
      "%0 = input {dtype="f32", name="x", shape=[3]} : f32[3]
      %1 = broadcast_to %0 {shape=[2,3]} : f32[2,3]
      %2 = mul %1 %0 : f32[2,3]
      return "y" = %2"
    `);
  });
});
