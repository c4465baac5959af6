import { describe, expect, test } from "vitest";
import type { Node } from "./node.ts";
import * as ops from "./ops/index.ts";
import { NodeTable } from "./table.ts";
import { tensorType } from "./type.ts";

const type = tensorType("f32", [2, 2]);

describe("interning", () => {
  const table = new NodeTable();
  const x = ops.input(table, "x", type);

  test("equal nodes are the same object", () => {
    const size = table.size;
    expect(ops.add(x, ops.exp(x))).toBe(ops.add(x, ops.exp(x)));
    expect(ops.input(table, "x", tensorType("f32", [2, 2]))).toBe(x);
    expect(ops.constant(table, [1, 2], "f32", [2])).toBe(ops.constant(table, [1, 2], "f32", [2]));
    expect(table.size).toBe(size + 3);
  });

  test("nodes that differ in op, inputs, order, attributes or type are not", () => {
    const different: Node[] = [
      ops.sub(x, ops.exp(x)),
      ops.sub(ops.exp(x), x),
      ops.add(x, x),
      ops.reduceSum(x, 0),
      ops.reduceSum(x, 1),
      ops.reduceMax(x, 1),
      ops.input(table, "y", type),
      ops.param(table, "x", type),
      ops.input(table, "x", tensorType("i32", [2, 2])),
      ops.input(table, "x", tensorType("f32", [4])),
      ops.constant(table, 0, "f32"),
      ops.constant(table, -0, "f32"),
      ops.constant(table, Number.NaN, "f32"),
      ops.constant(table, 0, "i32"),
      ops.constant(table, 0, "f32", [1]),
      ops.cast(x, "f16"),
      ops.cast(x, "bf16"),
      ops.fusedElementwise([x], ["neg $0", "exp %0"]),
      ops.fusedElementwise([x], ["exp $0", "neg %0"]),
    ];
    expect(new Set(different).size).toBe(different.length);
    expect(new Set(different.map((node) => node.id)).size).toBe(different.length);
  });

  test("the order in which attributes are written does not matter", () => {
    const make = (attrs: object) => table.intern("attention", [], attrs, () => type);
    expect(make({ scale: 1, softcap: 2 })).toBe(make({ softcap: 2, scale: 1 }));
  });

  test("nodes of two tables do not mix", () => {
    expect(() => ops.add(x, ops.input(new NodeTable(), "x", type))).toThrow(
      "add: an input was built in another table",
    );
  });

  test("a node keeps no array of its maker", () => {
    const parts = [x, x];
    const starts = [0, 0];
    const joined = ops.concat(parts, 0);
    const cut = ops.slice(x, starts, [1, 2]);
    parts.pop();
    starts[0] = 1;
    expect(joined.inputs).toEqual([x, x]);
    expect(cut).not.toBe(ops.slice(x, starts, [1, 2]));
    expect(cut.attrs).toMatchObject({ starts: [0, 0] });
    expect(Object.isFrozen(cut.attrs) && Object.isFrozen(cut.inputs) && Object.isFrozen(cut.type)).toBe(true);
  });

  test("a failed node leaves nothing behind", () => {
    const size = table.size;
    for (let again = 0; again < 2; again++) expect(() => ops.reshape(x, [3])).toThrow("[3] has 3 elements");
    expect(table.size).toBe(size);
  });
});

test("layers: whoever asks for a node first names it, whatever was built before", () => {
  const table = new NodeTable();
  const [x, z] = [ops.input(table, "x", type), ops.input(table, "z", type)];
  table.scope("long ago", () => ops.exp(x));
  const layers = new Map<Node, string | undefined>([[z, "known"]]);
  const y = table.scope("outside", () =>
    table.noteLayers(layers, () => {
      table.scope("late", () => ops.input(table, "z", type));
      const made = table.scope("a", () => table.scope("b", () => ops.exp(x)));
      return table.scope("c", () => (ops.exp(x) === made ? ops.neg(x) : made));
    }),
  );
  ops.relu(x);
  expect([...layers]).toEqual([
    [z, "known"],
    [ops.exp(x), "a.b"],
    [y, "c"],
  ]);
});

test("sizes are whole numbers above 0", () => {
  const table = new NodeTable();
  for (const shape of [[0], [2, -1], [Number.NaN], [1.5]])
    expect(() => ops.input(table, "x", tensorType("f32", shape))).toThrow(
      /must be a list of whole numbers|sizes must be whole numbers above 0/,
    );
});
