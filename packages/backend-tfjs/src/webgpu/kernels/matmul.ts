/** Products of any shape: a thread an element of the result. Sums run upwards in four parts, whatever the row count. */
import type { TensorType } from "@fusewire/ir";
import type { Step } from "../wgsl/launch.ts";
import { mapLaunch } from "../wgsl/map.ts";
import { activationExpression } from "../wgsl/scalar.ts";
import type { Shader } from "../wgsl/shader.ts";
import { broadcastStrides, stridedIndex } from "../wgsl/strided.ts";
import type { Kernel } from "./kernel.ts";

/** Adds `fn dot(a, b, stride)`: k products of x0 from a upwards with x1 from b on in steps of a stride. */
function declareDot(shader: Shader, k: number, [x, y]: readonly TensorType[]): void {
  const a = shader.read(0, x!);
  const b = shader.read(1, y!);
  const n = shader.size(k);
  shader.declare(`fn dot_from(a: u32, b: u32, stride: u32) -> f32 {
  var sums = vec4f();
  var k = 0u;
  for (; k + 4u <= ${n}; k += 4u) {
    let at = b + k * stride;
    let left = vec4f(${[0, 1, 2, 3].map((j) => a.at(`a + k + ${j}u`)).join(", ")});
    let right = vec4f(${[0, 1, 2, 3].map((j) => b.at(`at + ${j}u * stride`)).join(", ")});
    sums = fma(left, right, sums);
  }
  for (; k < ${n}; k++) { sums.x = fma(${a.at("a + k")}, ${b.at("b + k * stride")}, sums.x); }
  return (sums.x + sums.y) + (sums.z + sums.w);
}`);
}

export const matmulKernel: Kernel<"matmul"> = (step) => ({
  launches: [
    mapLaunch(step, (shader) => {
      const [x, y] = step.reads;
      const [m, k] = x!.shape.slice(-2) as [number, number];
      const n = step.write.shape.at(-1)!;
      const batch = step.write.shape.slice(0, -2);
      declareDot(shader, k, step.reads);
      const [rows, columns, inner] = [shader.size(m), shader.size(n), shader.size(k)];
      const stack = (type: TensorType) =>
        stridedIndex(shader, "stack", batch, broadcastStrides(type.shape.slice(0, -2), batch));
      const second = step.attrs.transposeB ? `j * ${inner}, 1u` : `j, ${columns}`;
      return `  let j = i % ${columns};
  let row = i / ${columns} % ${rows};
  let stack = i / ${columns} / ${rows};
  return dot_from(((${stack(x!)}) * ${rows} + row) * ${inner}, (${stack(y!)}) * ${inner} * ${columns} + ${second});`;
    }),
  ],
});

export const linearKernel: Kernel<"linear"> = (step) => ({
  launches: [mapLaunch(step, (shader) => linearBody(shader, step))],
});

function linearBody(shader: Shader, { reads, attrs }: Parameters<typeof linearKernel>[0]): string {
  const [n, k] = reads[1]!.shape as [number, number];
  declareDot(shader, k, reads);
  const [columns, inner] = [shader.size(n), shader.size(k)];
  const bias = attrs.bias ? ` + ${shader.read(2, reads[2]!).at("j")}` : "";
  const last = reads.length - 1;
  const residual = attrs.residual ? ` + ${shader.read(last, reads[last]!).at("i")}` : "";
  return `  let j = i % ${columns};
  let sum = dot_from(i / ${columns} * ${inner}, j * ${inner}, 1u)${bias};
  return ${activationExpression(attrs.activation, "sum")}${residual};`;
}

export const gatedLinearKernel: Kernel<"gated_linear"> = (step) => ({
  launches: [mapLaunch(step, (shader) => gatedBody(shader, step))],
});

function gatedBody(
  shader: Shader,
  { reads, write, attrs }: Step<{ readonly activation: string; readonly bias: boolean }>,
): string {
  const k = reads[1]!.shape[1]!;
  declareDot(shader, k, reads);
  const [columns, inner] = [shader.size(write.shape.at(-1)!), shader.size(k)];
  const bias = (at: string) => (attrs.bias ? ` + ${shader.read(2, reads[2]!).at(at)}` : "");
  return `  let j = i % ${columns};
  let row = i / ${columns} * ${inner};
  let gate = dot_from(row, j * ${inner}, 1u)${bias("j")};
  let up = dot_from(row, (j + ${columns}) * ${inner}, 1u)${bias(`j + ${columns}`)};
  return ${activationExpression(attrs.activation, "gate")} * up;`;
}
