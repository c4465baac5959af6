import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isLeaf, paramsOf, rootsOf, type Tracer, topological, trace } from "./module.ts";
import type { Node } from "./node.ts";
import * as ops from "./ops/index.ts";
import { rewriteNodes } from "./rebuild.ts";
import { NodeTable } from "./table.ts";
import { arbitraryModule } from "./testing/index.ts";
import { tensorType } from "./type.ts";

const vector = tensorType("f32", [2]);
const main = (body: (tracer: Tracer) => Record<string, Node>) => () => trace({ main: body });

describe("tracing refuses", () => {
  test("a shape that does not fit, naming the layer", () => {
    const traced = main(({ input, param, scope }) => {
      const x = input("x", tensorType("f32", [2, 8]));
      const w = param("w", tensorType("f32", [4, 9]));
      return scope("model", () =>
        scope("layers.0.self_attn", () => ({ q: ops.matmul(x, w, { transposeB: true }) })),
      );
    });
    expect(traced).toThrow(
      "model.layers.0.self_attn: matmul(f32[2,8], f32[4,9]): the inner sizes 8 and 9 differ",
    );
  });

  test("a state written twice in one step", () => {
    const traced = main(({ state, write }) => {
      const s = state("s", vector);
      write("s", ops.neg(s));
      write("s", s);
      return {};
    });
    expect(traced).toThrow("state 's' is written twice in one step");
  });

  test("a write to what was never read as a state, or of another type", () => {
    const value = (t: Tracer) => t.input("x", vector);
    const unread = main((t) => {
      t.write("s", value(t));
      return {};
    });
    expect(unread).toThrow("'s' is written but was never read as a state");
    const wrong = main((t) => {
      t.state("s", tensorType("f32", [3]));
      t.write("s", value(t));
      return {};
    });
    expect(wrong).toThrow("state 's' is f32[3], not f32[2]");
  });

  test.each(["input", "param", "state"] as const)("one %s of two types", (kind) => {
    const traced = main((t) => ({ a: t[kind]("x", vector), b: t[kind]("x", tensorType("i32", [2])) }));
    expect(traced).toThrow(`${kind} 'x' is both f32[2] and i32[2]`);
  });

  test("a param or state of two types in two entries, but not an input", () => {
    const entries = (kind: "param" | "state" | "input") => () =>
      trace({
        one: (t) => ({ x: t[kind]("x", vector) }),
        two: (t) => ({ x: t[kind]("x", tensorType("f32", [3])) }),
      });
    expect(entries("param")).toThrow("param 'x' is both");
    expect(entries("state")).toThrow("state 'x' is both");
    expect(entries("input")).not.toThrow();
  });

  test("nodes of another table", () => {
    const other = ops.input(new NodeTable(), "x", vector);
    expect(main(() => ({ y: other }))).toThrow("output 'y' was built in another table");
    const written = main((t) => {
      t.state("s", vector);
      t.write("s", other);
      return {};
    });
    expect(written).toThrow("the value of state 's' was built in another table");
  });
});

test("entries share params and states; traces may share a table", () => {
  const table = new NodeTable();
  const step = (t: Tracer) => {
    const y = ops.mul(t.param("w", vector), t.state("s", vector));
    t.write("s", y);
    return { y };
  };
  const module = trace({ one: step, two: step }, table);
  expect(module.states).toEqual([{ name: "s", type: vector }]);
  expect([...paramsOf(module)]).toEqual([["w", vector]]);
  const [one, two] = module.entries;
  expect(one!.outputs.get("y")).toBe(two!.outputs.get("y"));
  expect(trace({ again: step }, table).entries[0]!.outputs.get("y")).toBe(one!.outputs.get("y"));
});

test("a scope ends when its body throws", () => {
  const module = trace({
    main: ({ input, scope }) => {
      const x = input("x", vector);
      expect(() => scope("broken", () => ops.exp(ops.cast(x, "i32")))).toThrow("broken: exp(i32[2])");
      return { y: ops.exp(x) };
    },
  });
  expect([...module.layers]).toEqual([]);
});

test("topological order: inputs before users, each node once", () => {
  fc.assert(
    fc.property(arbitraryModule(), (module) => {
      for (const entry of module.entries) {
        const order = topological(rootsOf(entry));
        const place = new Map(order.map((node, at) => [node, at]));
        expect(place.size).toBe(order.length);
        for (const node of order)
          for (const input of node.inputs) expect(place.get(input)!).toBeLessThan(place.get(node)!);
      }
    }),
  );
});

test("a graph deeper than the call stack is walked and rebuilt", () => {
  let x = ops.input(new NodeTable(), "x", vector);
  const root = x;
  for (let k = 0; k < 20_000; k++) x = ops.add(x, 1);
  expect(topological([x]).length).toBe(20_002);
  const doubled = rewriteNodes([x], (node) => (node === root ? ops.neg(root) : node)).get(x)!;
  expect(topological([doubled]).length).toBe(20_003);
});

test("a node has the layer of its own trace, however it came into the table", () => {
  const table = new NodeTable();
  const main = (layer: string) => (t: Tracer) => ({ y: t.scope(layer, () => ops.exp(t.input("x", vector))) });
  const [first, second] = ["one", "two"].map((layer) => trace({ main: main(layer) }, table));
  const y = first!.entries[0]!.outputs.get("y")!;
  expect(second!.entries[0]!.outputs.get("y")).toBe(y);
  expect([first!.layers.get(y), second!.layers.get(y)]).toEqual(["one", "two"]);
});

test("rewriting nothing gives the same nodes; what replaces a node is made in its layer", () => {
  const module = trace({
    main: ({ input, scope }) => ({ y: scope("mlp", () => ops.silu(input("x", vector))) }),
  });
  const y = module.entries[0]!.outputs.get("y")!;
  expect(rewriteNodes([y], (node) => node).get(y)).toBe(y);
  const { table, layers } = module;
  const made = new Map<Node, string | undefined>(layers);
  const exp = table
    .noteLayers(made, () =>
      rewriteNodes([y], (node) => (node.op === "silu" ? ops.exp(node.inputs[0]!) : node), layers),
    )
    .get(y)!;
  expect(made.get(exp)).toBe("mlp");
  expect(isLeaf(exp.inputs[0]!, "input")).toBe(true);
  expect(isLeaf(exp, "input")).toBe(false);
});
