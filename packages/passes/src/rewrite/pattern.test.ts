import { add, constant, exp, input, mul, type Node, NodeTable, neg, sub, tensorType } from "@fusewire/ir";
import { expect, test } from "vitest";
import { any, type Bindings, either, match, number, op, type Pattern } from "./pattern.ts";

const table = new NodeTable();
const [x, y, z] = ["x", "y", "z"].map((name) => input(table, name, tensorType("f32", [2]))) as [
  Node,
  Node,
  Node,
];
const found = (pattern: Pattern, node: Node): Bindings[] => [...match(pattern, node)];

test("inputs of commutative ops match in either order, others as they stand", () => {
  const negated = op("neg", [any("a")]);
  expect(found(op("add", [negated, any("b")]), add(x, neg(y)))).toEqual([{ a: y, b: x }]);
  expect(found(op("add", [negated, any("b")]), add(neg(y), x))).toEqual([{ a: y, b: x }]);
  expect(found(op("sub", [negated, any("b")]), sub(x, neg(y)))).toEqual([]);
});

test("all ways to match are found, so that what is bound first can be taken back", () => {
  const factor = op("mul", [any("a"), any("b")]);
  expect(found(factor, mul(x, y))).toHaveLength(2);
  // Only when the outer inputs are exchanged and the inner ones too does `a` mean one node.
  const shared = op("add", [op("mul", [any("a"), any("b")]), op("exp", [any("a")])]);
  expect(found(shared, add(exp(y), mul(x, y)))).toEqual([{ a: y, b: x }]);
  expect(found(shared, add(exp(z), mul(x, y)))).toEqual([]);
});

test("an op that reads one node twice matches once", () => {
  expect(found(op("mul", [any("a"), any("a")]), mul(x, x))).toEqual([{ a: x }]);
  expect(found(op("mul", [any("a"), any("b")]), mul(x, x))).toHaveLength(1);
  expect(found(op("mul", [any("a"), any("a")]), mul(x, y))).toEqual([]);
});

test("a name on an op is bound with the rest, and must agree with itself", () => {
  const square = op("mul", [op("exp", [any("a")], { as: "e" }), op("exp", [any("a")], { as: "e" })]);
  expect(found(square, mul(exp(x), exp(x)))).toEqual([{ a: x, e: exp(x) }]);
  expect(found(square, mul(exp(x), exp(y)))).toEqual([]);
});

test("numbers match constants of one value, whatever their shape and dtype", () => {
  const half = constant(table, 0.5, "f32", [2]);
  expect(found(number(0.5), half)).toEqual([{}]);
  expect(found(number("c"), half)).toEqual([{ c: half }]);
  expect(found(number(1), constant(table, 1, "i32"))).toEqual([{}]);
  expect(found(number(0.25), half)).toEqual([]);
  expect(found(number("c"), constant(table, [1, 2], "f32", [2]))).toEqual([]);
  expect(found(number("c"), x)).toEqual([]);
});

test("conditions on nodes and ops hold a match back", () => {
  const vector = (node: Node) => node.type.shape.length === 1;
  const scalar = (node: Node) => node.type.shape.length === 0;
  expect(found(any("a", vector), x)).toEqual([{ a: x }]);
  expect(found(any("a", scalar), x)).toEqual([]);
  expect(found(op("exp", [any("a")], { when: scalar }), exp(x))).toEqual([]);
});

test("an op with another number of inputs does not match", () => {
  expect(found(op("exp", [any("a"), any("b")]), exp(x))).toEqual([]);
});

test("either of some patterns, in their order, with what is bound outside and inside", () => {
  const maybeHalf = either(any("a"), op("mul", [any("a"), number("scale")]));
  const halved = mul(x, 0.5);
  const scale = halved.inputs[1]!;
  expect(found(maybeHalf, halved)).toEqual([{ a: halved }, { a: x, scale }]);
  expect(found(op("exp", [maybeHalf]), exp(y))).toEqual([{ a: y }]);
  expect(found(op("add", [any("a"), maybeHalf]), add(x, halved))).toEqual([{ a: x, scale }]);
  expect(found(either(number(1), op("exp", [any("a")])), x)).toEqual([]);
});
