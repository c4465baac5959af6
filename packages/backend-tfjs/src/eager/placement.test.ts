import * as ir from "@fusewire/ir";
import { expect, test } from "vitest";
import { planEntry } from "./plan.ts";

const f32 = (...shape: number[]) => ir.tensorType("f32", shape);
const i32 = (...shape: number[]) => ir.tensorType("i32", shape);

/** The ops of an entry that run in tfjs and those that run on the host, in order. */
function placed(build: (tracer: ir.Tracer) => ir.Node): { tfjs: string[]; host: string[]; launches: number } {
  const plan = planEntry(ir.trace({ entry: (t) => ({ y: build(t) }) }).entries[0]!);
  const ops = (inTfjs: boolean) =>
    plan.steps.filter(({ kernel }) => (kernel !== undefined) === inTfjs).map(({ node }) => node.op);
  return { tfjs: ops(true), host: ops(false), launches: plan.launches };
}

test("floats run in tfjs, and so does the mask that a choice between them reads", () => {
  const kept = placed((t) => {
    const scores = t.param("scores", f32(2, 100));
    return ir.where(ir.le(ir.reduceMax(scores), scores), scores, 0);
  });
  expect(kept).toEqual({ tfjs: ["reduce_max", "le", "where"], host: [], launches: 3 });
});

test("integers are computed on the host, exactly", () => {
  const { tfjs, host } = placed((t) => {
    const at = ir.add(t.state("lengths", i32(2)), 1);
    return ir.gather(t.param("table", f32(9, 4)), at);
  });
  expect({ tfjs, host }).toEqual({ tfjs: ["gather"], host: ["add"] });
});

test("an argmax of scores runs in tfjs, and only ids come back", () => {
  const { tfjs, host } = placed((t) => ir.add(ir.argmax(t.param("scores", f32(2, 100))), 1));
  expect({ tfjs, host }).toEqual({ tfjs: ["argmax"], host: ["add"] });
});

test("random numbers, and what little is made of them alone, stay on the host until they meet a tensor", () => {
  const { tfjs, host } = placed((t) => {
    const u = ir.uniform(t.input("seed", ir.tensorType("u32", [2])), t.input("at", i32(2)), "choose");
    return ir.mul(ir.reshape(ir.sub(1, u), [2, 1]), t.param("scores", f32(2, 100)));
  });
  expect({ tfjs, host }).toEqual({ tfjs: ["mul"], host: ["uniform", "sub", "reshape"] });
});

test("a mask made of integers is uploaded, not computed in tfjs", () => {
  const { tfjs, host } = placed((t) =>
    ir.where(ir.le(ir.iota(t.table, 100), t.input("n", i32())), t.param("x", f32(100)), 0),
  );
  expect({ tfjs, host }).toEqual({ tfjs: ["where"], host: ["le"] });
});

test("free nodes start no kernels", () => {
  const { tfjs, launches } = placed((t) =>
    ir.exp(ir.reshape(ir.cast(t.state("cache", ir.tensorType("bf16", [4, 5])), "f32"), [20])),
  );
  expect(tfjs).toEqual(["cast", "reshape", "exp"]);
  expect(launches).toBe(1);
});

test("values are let go by the step that reads them last, results never", () => {
  const module = ir.trace({
    entry: (t) => {
      const a = ir.exp(t.param("x", f32(4)));
      const b = ir.neg(a);
      return { a, y: ir.add(b, ir.mul(b, b)) };
    },
  });
  const frees = planEntry(module.entries[0]!).steps.map(({ node, frees }) => [
    node.op,
    frees.map((n) => n.op),
  ]);
  expect(frees).toEqual([
    ["exp", ["param"]],
    ["neg", []],
    ["mul", []],
    ["add", ["neg", "mul"]],
  ]);
});
