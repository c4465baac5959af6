/** Traces a function of one's own, looks at it before and after the passes, and runs it: `npx tsx examples/own-graph.ts`. */
import {
  add,
  interpret,
  matmul,
  mul,
  plainRmsNorm,
  printModule,
  silu,
  tensorType,
  toValue,
  trace,
} from "@fusewire/ir";
import { createReferenceEngine, lower } from "@fusewire/passes";

const module = trace({
  mlp: (t) => {
    const x = t.input("x", tensorType("f32", [1, 8]));
    const weight = (name: string, out: number, width: number) =>
      t.param(name, tensorType("f32", [out, width]));
    const h = plainRmsNorm(x, t.param("norm", tensorType("f32", [8])), 1e-6);
    const gate = silu(matmul(h, weight("gate", 16, 8), { transposeB: true }));
    const up = matmul(h, weight("up", 16, 8), { transposeB: true });
    return { y: add(x, matmul(mul(gate, up), weight("down", 8, 16), { transposeB: true })) };
  },
});
console.log(printModule(module));

const lowered = lower(module, createReferenceEngine());
console.log(printModule(lowered.module));

const ones = (shape: number[]) =>
  toValue(tensorType("f32", shape), new Array(shape.reduce((a, b) => a * b)).fill(0.1));
const params = new Map(
  Object.entries({ norm: [8], gate: [16, 8], up: [16, 8], down: [8, 16] }).map(([name, shape]) => [
    name,
    ones(shape),
  ]),
);
const environment = { params: (name: string) => params.get(name)!, inputs: () => ones([1, 8]) };
for (const graph of [module, lowered.module])
  console.log(interpret(graph, "mlp", environment).outputs.get("y")!.data);
