import {
  add,
  exp,
  mul,
  type Node,
  neg,
  parseModule,
  printModule,
  tanh,
  tensorType,
  trace,
} from "@fusewire/ir";
import { describe, expect, test } from "vitest";
import { transform, untouched } from "../testing/text.ts";
import { fixpoint, type Pass, sequence, traced, verified } from "./pass.ts";
import { any, op } from "./pattern.ts";
import { rewritePass, rule } from "./rules.ts";

const X = '%0 = input {dtype="f32", name="x", shape=[2]} : f32[2]';
const CHAIN = `${X}\n%1 = neg %0 : f32[2]\n%2 = neg %1 : f32[2]\nreturn "y" = %2`;
/** These rules keep no meaning, so that one sees which of them ran. */
const CHANGES = { changes: true };
const toTanh = rule("to-tanh", op("exp", [any("x")]), ({ x }) => tanh(x!));
const toExp = rule("to-exp", op("tanh", [any("x")]), ({ x }) => exp(x!));

describe("rules", () => {
  test("apply bottom-up and again to what they made", () => {
    const pass = rewritePass("test", [
      rule("fold", op("neg", [op("neg", [any("x")])]), ({ x }) => exp(x!)),
      rule("next", op("exp", [any("x")]), ({ x }) => tanh(x!)),
    ]);
    expect(transform(pass, CHAIN, CHANGES)).toBe(untouched(`${X}\n%1 = tanh %0 : f32[2]\nreturn "y" = %1`));
  });

  test("are tried in order, and on every way their pattern matches, until one does something", () => {
    const seen: Node[] = [];
    const pass = rewritePass("test", [
      rule("same", op("add", [any("a"), any("b")]), (_bound, root) => root),
      rule("never", op("add", [any("a"), any("b")]), ({ a }) => {
        seen.push(a!);
        return undefined;
      }),
      rule("last", op("add", [any("a"), any("b")]), ({ a, b }) => mul(a!, b!)),
    ]);
    const module = trace({
      main: (t) => {
        const [x, y] = ["x", "y"].map((name) => t.input(name, tensorType("f32", [2]))) as [Node, Node];
        return { y: add(x, y) };
      },
    });
    expect(pass.run(module).entries[0]!.outputs.get("y")!.op).toBe("mul");
    expect(seen.map((node) => node.op === "input" && node.attrs.name)).toEqual(["x", "y"]);
  });

  test("that undo each other are an error with the pass and the rules", () => {
    const pass = rewritePass("circular", [toTanh, toExp]);
    expect(() => transform(pass, `${X}\n%1 = exp %0 : f32[2]\nreturn "y" = %1`)).toThrow(
      "the rules of circular do not settle at a node of op exp; the last were to-exp, to-tanh, to-exp, to-tanh",
    );
  });

  test("have an op at their root", () => {
    expect(() => rule("bare", any("x"), ({ x }) => x)).toThrow(
      "rule bare: the root of a pattern must be an op",
    );
  });

  test("rewrite every entry, and writes as well as outputs", () => {
    const module = trace({
      a: (t) => ({ y: exp(t.input("x", tensorType("f32", [2]))) }),
      b: (t) => {
        t.write("s", exp(t.state("s", tensorType("f32", [2]))));
        return {};
      },
    });
    const text = printModule(rewritePass("test", [toTanh]).run(module));
    expect(text.match(/tanh/g)).toHaveLength(2);
    expect(text).not.toContain("exp");
  });
});

describe("layer names", () => {
  const pass = rewritePass("test", [
    rule("wrap", op("exp", [any("x")]), ({ x }) => neg(tanh(x!))),
    rule("drop", op("neg", [op("neg", [any("x")])]), ({ x }) => x),
  ]);

  test("go to all that is put in a node's place", () => {
    const text = `${X}\n%1 = exp %0 : f32[2] @"layers.0"\nreturn "y" = %1`;
    expect(transform(pass, text, CHANGES)).toMatchInlineSnapshot(`
      "%0 = input {dtype="f32", name="x", shape=[2]} : f32[2]
      %1 = tanh %0 : f32[2] @"layers.0"
      %2 = neg %1 : f32[2] @"layers.0"
      return "y" = %2"
    `);
  });

  test("stay with what is left as it was", () => {
    const text = `${X}\n%1 = tanh %0 : f32[2] @"layers.0"\n%2 = exp %1 : f32[2]\nreturn "y" = %2`;
    expect(transform(pass, text, CHANGES)).toContain(
      '%1 = tanh %0 : f32[2] @"layers.0"\n%2 = tanh %1 : f32[2]\n%3',
    );
  });

  test("do not go to what was there before", () => {
    const text = `${X}\n%1 = neg %0 : f32[2] @"layers.0"\n%2 = neg %1 : f32[2] @"layers.0"\nreturn "y" = %2`;
    expect(transform(pass, text)).toBe(untouched(`${X}\nreturn "y" = %0`));
  });
});

describe("combinators", () => {
  const module = parseModule(`entry "main" {\n input "x" : f32[2]\n${CHAIN}\n}`);
  const step = (name: string): Pass => rewritePass(name, []);
  /** Wraps the output in one more op each time it runs. */
  const grow: Pass = {
    name: "grow",
    run: (current) => ({
      ...current,
      entries: current.entries.map((entry) => ({
        ...entry,
        outputs: new Map([...entry.outputs].map(([name, node]) => [name, neg(node)])),
      })),
    }),
  };

  test("sequence runs passes in order; traced sees each result", () => {
    const seen: string[] = [];
    const passes = [step("a"), grow, step("b")].map((pass) =>
      traced(pass, (name, result) => seen.push(`${name} ${result === module}`)),
    );
    const pass = sequence("all", passes);
    expect(pass.name).toBe("all");
    expect(printModule(pass.run(module)).match(/neg/g)).toHaveLength(3);
    expect(seen).toEqual(["a false", "grow false", "b false"]);
  });

  test("fixpoint stops when nothing changes and returns the module from before", () => {
    const seen: string[] = [];
    const pass = fixpoint(traced(step("a"), (name) => seen.push(name)));
    expect(pass.run(module)).toBe(module);
    expect(seen).toEqual(["a"]);
  });

  test("fixpoint gives up with the pass's name and the limit", () => {
    expect(() => fixpoint(grow, 5).run(module)).toThrow("pass grow does not settle within 5 rounds");
  });

  test("verified finds what a pass broke", () => {
    const broken: Pass = {
      name: "broken",
      run: (current) => ({ ...current, entries: current.entries.map((entry) => ({ ...entry, inputs: [] })) }),
    };
    expect(verified(step("a")).run(module)).toEqual(module);
    expect(() => verified(broken).run(module)).toThrow("input 'x' is not declared");
    expect(() => verified(step("a"), (node) => node.op !== "neg").run(module)).toThrow(
      "this level does not allow the op",
    );
  });
});
