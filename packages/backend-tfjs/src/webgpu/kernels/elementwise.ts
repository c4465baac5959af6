/** Ops that compute each element from the elements at the same place, with broadcasting. */
import type { DType, OpName, TensorType } from "@fusewire/ir";
import type { Step } from "../wgsl/launch.ts";
import { mapLaunch } from "../wgsl/map.ts";
import { bodyStatements, castExpression, scalarExpression } from "../wgsl/scalar.ts";
import type { Shader } from "../wgsl/shader.ts";
import { broadcastStrides, stridedIndex } from "../wgsl/strided.ts";
import type { Kernel, KernelOf } from "./kernel.ts";

/** Statements that put the inputs' elements at `i` of the result into the variables a0, a1, … */
function loads(shader: Shader, { reads, write }: Step): { names: string[]; text: string } {
  const names = reads.map((_, k) => `a${k}`);
  const lines = reads.map((type: TensorType, k) => {
    const strides = broadcastStrides(type.shape, write.shape);
    shader.read(k, type);
    return `  let p${k} = ${stridedIndex(shader, "i", write.shape, strides)};\n  let a${k} = ${shader.read(k, type).at(`p${k}`)};`;
  });
  return { names, text: lines.join("\n") };
}

const scalar =
  (op: OpName): KernelOf<object> =>
  (step) => ({
    launches: [
      mapLaunch(step, (shader) => {
        const { names, text } = loads(shader, step);
        return `${text}\n  return ${scalarExpression(op, names)};`;
      }),
    ],
  });

export const castKernel: Kernel<"cast"> = (step) => ({
  launches: [
    mapLaunch(step, (shader) => {
      const { text } = loads(shader, step);
      return `${text}\n  return ${castExpression(step.reads[0]!.dtype, step.attrs.to as DType, "a0")};`;
    }),
  ],
});

export const fusedElementwiseKernel: Kernel<"fused_elementwise"> = (step) => ({
  launches: [
    mapLaunch(step, (shader) => {
      const { names, text } = loads(shader, step);
      const lines = bodyStatements(shader, step.attrs.body, names);
      return [text, ...lines, `  return t${lines.length - 1};`].join("\n");
    }),
  ],
});

export const elementwiseKernels = {
  neg: scalar("neg"),
  exp: scalar("exp"),
  log: scalar("log"),
  sqrt: scalar("sqrt"),
  rsqrt: scalar("rsqrt"),
  tanh: scalar("tanh"),
  not: scalar("not"),
  silu: scalar("silu"),
  relu: scalar("relu"),
  gelu_tanh: scalar("gelu_tanh"),
  add: scalar("add"),
  sub: scalar("sub"),
  mul: scalar("mul"),
  div: scalar("div"),
  mod: scalar("mod"),
  max: scalar("max"),
  min: scalar("min"),
  eq: scalar("eq"),
  lt: scalar("lt"),
  le: scalar("le"),
  and: scalar("and"),
  or: scalar("or"),
  where: scalar("where"),
} as const;
