import { type OpName, parseModule, printModule } from "@fusewire/ir";
import { describe, expect, test } from "vitest";
import type { EngineTraits } from "../engine/engine.ts";
import { entryText, transform, untouched } from "../testing/text.ts";
import { legalise } from "./legalise.ts";

const engine = (without: readonly OpName[]): EngineTraits => ({
  attention: [],
  name: "small",
  claims: (op) => !without.includes(op),
  memory: { alignment: 4, readWriteSameBuffer: true },
});
const MLP = `%0 = input {dtype="f32", name="x", shape=[2,4]} : f32[2,4]
  %1 = param {dtype="f32", name="w", shape=[6,4]} : f32[6,4]
  %2 = gated_linear %0 %1 {activation="silu", bias=false} : f32[2,3] @"layers.0.mlp"
  %3 = softmax %2 : f32[2,3]
  return "y" = %3`;

test("expands what the engine does not claim, and nothing else", () => {
  expect(transform(legalise(engine(["gated_linear"])), MLP)).toMatchInlineSnapshot(`
    "%0 = input {dtype="f32", name="x", shape=[2,4]} : f32[2,4]
    %1 = param {dtype="f32", name="w", shape=[6,4]} : f32[6,4]
    %2 = matmul %0 %1 {transposeB=true} : f32[2,6] @"layers.0.mlp"
    %3 = slice %2 {sizes=[2,3], starts=[0,0]} : f32[2,3] @"layers.0.mlp"
    %4 = silu %3 : f32[2,3] @"layers.0.mlp"
    %5 = slice %2 {sizes=[2,3], starts=[0,3]} : f32[2,3] @"layers.0.mlp"
    %6 = mul %4 %5 : f32[2,3] @"layers.0.mlp"
    %7 = softmax %6 : f32[2,3]
    return "y" = %7"
  `);
  expect(transform(legalise(engine([])), MLP)).toBe(untouched(MLP));
});

test("expands what expansions bring in", () => {
  const text = transform(legalise(engine(["gated_linear", "silu"])), MLP);
  expect(text).toContain("exp");
  expect(text).not.toContain("silu");
});

test("leaves and views need no claim", () => {
  const none = engine(["param", "input", "state", "constant", "reshape", "prepared"]);
  const text = `%0 = input {dtype="f32", name="x", shape=[2,4]} : f32[2,4]
    %1 = constant {dtype="f32", shape=[], values=[2]} : f32[]
    %2 = mul %0 %1 : f32[2,4]
    %3 = reshape %2 {shape=[8]} : f32[8]
    return "y" = %3`;
  expect(transform(legalise(none), text)).toBe(untouched(text));
});

describe("an op that the engine lacks and that has no expansion", () => {
  test("is an error with engine, op and layer", () => {
    const module = parseModule(entryText(MLP));
    expect(() => legalise(engine(["gated_linear", "matmul"])).run(module)).toThrow(
      "engine small has no kernel for matmul in layers.0.mlp, and the op has no expansion",
    );
  });

  test("is one without a layer too, and leaves the module as it was", () => {
    const module = parseModule(
      entryText(
        '%0 = input {dtype="f32", name="x", shape=[2]} : f32[2]\n%1 = exp %0 : f32[2]\nreturn "y" = %1',
      ),
    );
    const before = printModule(module);
    expect(() => legalise(engine(["exp"])).run(module)).toThrow(
      "engine small has no kernel for exp, and the op has no expansion",
    );
    expect(printModule(module)).toBe(before);
  });
});
