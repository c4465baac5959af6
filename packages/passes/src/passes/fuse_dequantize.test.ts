/** Codes with zeros, as checkpoints of 4 bits have them: products are fused all the same. */
import * as ops from "@fusewire/ir";
import {
  interpret,
  type Node,
  q4,
  q7,
  rootsOf,
  type Tracer,
  topological,
  trace,
  type Value,
} from "@fusewire/ir";
import { expectClose, randomEnvironment } from "@fusewire/ir/testing";
import { expect, test } from "vitest";
import { fixpoint } from "../rewrite/pass.ts";
import { fuseDequantize } from "./fuse_dequantize.ts";

const [m, n, k, group] = [3, 6, 64, 32];

/** Rows as fuse_dequantize rounds them, so that both products have the same. */
function rows(t: Tracer): Node {
  const x = t.input("x", { dtype: "f32", shape: [m, k] });
  const scales = ops.groupScales(x, q7(group));
  return ops.dequantize(ops.quantizeRows(x, scales, q7(group)), scales, q7(group));
}

function weight(t: Tracer, name: string): Node {
  const part = (side: string, width: number, dtype: "f32" | "i8") =>
    t.param(`${name}.${side}`, { dtype, shape: [n, width] });
  const own = [part("codes", k, "i8"), part("scales", k / group, "f32")] as const;
  return ops.dequantize(
    ...own,
    { ...q4(group), zeros: "integer" },
    { zeros: part("zeros", k / group, "i8") },
  );
}

const PRODUCTS: Readonly<Record<string, (t: Tracer) => Node>> = {
  matmul: (t) => ops.matmul(rows(t), weight(t, "w"), { transposeB: true }),
  linear: (t) =>
    ops.linear(rows(t), weight(t, "w"), {
      activation: "silu",
      bias: t.param("bias", { dtype: "f32", shape: [n] }),
      residual: t.input("residual", { dtype: "f32", shape: [m, n] }),
    }),
  gated_linear: (t) => ops.gatedLinear(rows(t), ops.concat([weight(t, "gate"), weight(t, "up")], 0), "silu"),
  gather: (t) => ops.gather(weight(t, "w"), t.input("ids", { dtype: "i32", shape: [m] })),
};

test.each(Object.keys(PRODUCTS))("%s with zeros, without the full matrix", (name) => {
  const module = trace({ step: (t) => ({ y: PRODUCTS[name]!(t) }) });
  const fused = fixpoint(fuseDequantize).run(module);
  const shapes = topological(rootsOf(fused.entries[0]!)).map(({ type }) =>
    [type.dtype, ...type.shape].join(),
  );
  expect(shapes).not.toContain(`f32,${n},${k}`);
  expect(shapes).not.toContain(`f32,${2 * n},${k}`);
  const random = randomEnvironment(module, 3);
  const params = (param: string): Value => {
    const { type, data } = random.params(param);
    // Random bytes, made integers of 4 bits.
    return type.dtype === "i8"
      ? ops.toValue(
          type,
          [...data].map((byte) => byte >> 4),
        )
      : { type, data };
  };
  const environment = { ...random, params };
  const [before, after] = [module, fused].map(
    (each) => interpret(each, "step", environment).outputs.get("y")!,
  );
  expectClose(after!, before!, 1e-4, name);
});

test("what is not a product with rows of a matrix, or rows picked from one, stays as it is", () => {
  const codes = (t: Tracer, ...shape: number[]) =>
    ops.dequantize(
      t.param("codes", { dtype: "i8", shape }),
      t.param("scales", { dtype: "f32", shape: [...shape.slice(0, -1), shape.at(-1)! / group] }),
      ops.q8(group),
    );
  const input = (t: Tracer, ...shape: number[]) => t.input("x", { dtype: "f32", shape });
  const others: Readonly<Record<string, (t: Tracer) => Node>> = {
    "elements of a vector": (t) => ops.gather(codes(t, k), t.input("ids", { dtype: "i32", shape: [2] })),
    "an elementwise op": (t) => ops.mul(input(t, n, 1), codes(t, n, k)),
    "a choice": (t) => ops.where(t.input("c", { dtype: "bool", shape: [n, k] }), codes(t, n, k), 0),
    "a product with columns": (t) => ops.matmul(input(t, m, n), codes(t, n, k)),
    "a product with many matrices": (t) =>
      ops.matmul(input(t, 2, m, k), codes(t, 2, n, k), { transposeB: true }),
    "rows of each row": (t) =>
      ops.gather(codes(t, 2, n, k), t.input("ids", { dtype: "i32", shape: [2, 3] }), 1),
  };
  for (const [name, build] of Object.entries(others)) {
    const module = trace({ step: (t) => ({ y: build(t) }) });
    expect(ops.printModule(fuseDequantize.run(module)), name).toBe(ops.printModule(module));
  }
});
