/** Products of any shape: a thread an element of the result. Sums run upwards in four parts. */
import type { OpAttrs, TensorType } from "@fusewire/ir";
import type { Launch, Step } from "../wgsl/launch.ts";
import { mapLaunch } from "../wgsl/map.ts";
import type { Shader } from "../wgsl/shader.ts";
import { broadcastStrides, stridedIndex } from "../wgsl/strided.ts";
import type { Kernel } from "./kernel.ts";
import { productPlan } from "./product.ts";

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

/** A product with one matrix that lies as weights do is that of a linear layer. */
export const matmulKernel: Kernel<"matmul"> = (step, variant) => {
  const { reads, attrs } = step;
  if (!attrs.transposeB || reads[1]!.shape.length !== 2) return { launches: [stackedLaunch(step)] };
  const none = { bias: undefined, residual: undefined, norm: undefined };
  const product = { types: reads, weight: 1, activation: "none", gated: false, ...none };
  return productPlan(product, step.rows, variant);
};

const stackedLaunch = (step: Step<OpAttrs["matmul"]>): Launch =>
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
  });
