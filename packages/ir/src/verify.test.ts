import { describe, expect, test } from "vitest";
import type { Entry, Module } from "./module.ts";
import type { Node } from "./node.ts";
import * as ops from "./ops/index.ts";
import { NodeTable } from "./table.ts";
import { tensorType } from "./type.ts";
import { verify } from "./verify.ts";

const vector = tensorType("f32", [2]);

/** A module of one entry with parts put in by force. */
function moduleWith(outputs: Readonly<Record<string, Node>>, more: Partial<Module & Entry> = {}): Module {
  const { states = [], prepare = new Map(), inputs = [], writes = new Map() } = more;
  const table = more.table ?? Object.values(outputs)[0]!.table;
  const entry = { name: "main", inputs, outputs: new Map(Object.entries(outputs)), writes };
  const layers = more.layers ?? new Map();
  return { table: table as NodeTable, states, prepare, entries: [entry], layers };
}

describe("verify catches", () => {
  test("a type that does not follow from the op", () => {
    const table = new NodeTable();
    const x = ops.param(table, "x", vector);
    const wrong = table.intern("neg", [x], {}, () => tensorType("f32", [3]));
    expect(() => verify(moduleWith({ wrong }, { layers: new Map([[wrong, "mlp"]]) }))).toThrow(
      "entry 'main': neg : f32[3] in mlp: has the type f32[2] by its rule",
    );
    const impossible = table.intern("exp", [ops.cast(x, "i32")], {}, () => vector);
    expect(() => verify(moduleWith({ impossible }))).toThrow(
      "entry 'main': exp : f32[2]: takes f32; cast i32 first",
    );
  });

  test("leaves that are not declared, or with another type", () => {
    const table = new NodeTable();
    const type = tensorType("f32", [3]);
    const [x, s, p] = [
      ops.input(table, "x", vector),
      ops.state(table, "s", vector),
      ops.prepared(table, "p", vector),
    ];
    expect(() => verify(moduleWith({ x }))).toThrow("input 'x' is not declared with this type");
    expect(() => verify(moduleWith({ x }, { inputs: [{ name: "x", type }] }))).toThrow(
      "input 'x' is not declared",
    );
    expect(() => verify(moduleWith({ s }))).toThrow("state 's' is not declared with this type");
    expect(() => verify(moduleWith({ s }, { states: [{ name: "s", type }] }))).toThrow(
      "state 's' is not declared",
    );
    expect(() => verify(moduleWith({ p }))).toThrow("'p' is not prepared with this type");
    const wide = new Map([["p", ops.param(table, "w", type)]]);
    expect(() => verify(moduleWith({ p }, { prepare: wide }))).toThrow("'p' is not prepared with this type");
  });

  test("writes to undeclared states or of another type", () => {
    const table = new NodeTable();
    const y = ops.neg(ops.param(table, "w", vector));
    const writes = new Map([["s", y]]);
    expect(() => verify(moduleWith({ y }, { writes }))).toThrow(
      "is written to state 's', which is not declared",
    );
    const states = [{ name: "s", type: tensorType("f32", [3]) }];
    expect(() => verify(moduleWith({ y }, { writes, states }))).toThrow(
      "is written to state 's', which is f32[3]",
    );
  });

  test.each([
    ["input", ops.input],
    ["state", ops.state],
    ["prepared", ops.prepared],
  ] as const)("a prepared value that depends on a leaf of kind %s", (kind, leaf) => {
    const table = new NodeTable();
    const prepare = new Map([["p", ops.add(leaf(table, "x", vector), 1)]]);
    expect(() => verify(moduleWith({ p: ops.prepared(table, "p", vector) }, { prepare }))).toThrow(
      `prepare 'p': ${kind} : f32[2]: prepared values may depend on weights alone`,
    );
  });

  test("one param of two types, also across prepare and entry", () => {
    const table = new NodeTable();
    const [narrow, wide] = [ops.param(table, "w", vector), ops.param(table, "w", tensorType("f32", [3]))];
    expect(() => verify(moduleWith({ narrow, wide }))).toThrow("param 'w' is f32[2] elsewhere");
    expect(() => verify(moduleWith({ wide }, { prepare: new Map([["p", narrow]]) }))).toThrow(
      "param 'w' is f32[2] elsewhere",
    );
  });

  test("names that stand twice and nodes of another table", () => {
    const x = ops.param(new NodeTable(), "x", vector);
    const declared = { name: "a", type: vector };
    expect(() => verify(moduleWith({ x }, { states: [declared, declared] }))).toThrow(
      "state 'a' is there twice",
    );
    expect(() => verify(moduleWith({ x }, { inputs: [declared, declared] }))).toThrow(
      "input 'a' is there twice",
    );
    const module = moduleWith({ x });
    expect(() => verify({ ...module, entries: [...module.entries, ...module.entries] })).toThrow(
      "entry 'main' is there twice",
    );
    expect(() => verify(moduleWith({ x }, { table: new NodeTable() }))).toThrow("was built in another table");
  });

  test("what a level does not allow", () => {
    const x = ops.param(new NodeTable(), "x", vector);
    const y = ops.silu(x);
    expect(() => verify(moduleWith({ y }), (node) => node.op !== "silu")).toThrow(
      "silu : f32[2]: this level does not allow the op",
    );
    expect(() => verify(moduleWith({ y }))).not.toThrow();
  });
});
