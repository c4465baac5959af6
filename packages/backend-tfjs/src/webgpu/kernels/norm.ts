/** Ops that scale each line of the last axis by something summed over it. */
import { lanesOf, lineLaunch } from "../wgsl/lines.ts";
import { bindResult, createShader, elementsOf } from "../wgsl/shader.ts";
import type { Kernel } from "./kernel.ts";

export const softmaxKernel: Kernel<"softmax"> = ({ reads, write }, variant) => {
  const shader = createShader();
  const lanes = lanesOf(shader, variant.lanes);
  const x = shader.read(0, reads[0]!);
  bindResult(shader, write);
  const size = write.shape.at(-1)!;
  const n = shader.size(size);
  const loop = `for (var k = ${lanes.own}; k < ${n}; k += ${lanes.count}u)`;
  const body = `  let begin = line * ${n};
  var largest = ${x.at("begin")};
  ${loop} { largest = max(largest, ${x.at("begin + k")}); }
  let top = ${lanes.join("max", "largest")};
  var sum = 0.0;
  ${loop} { sum += exp(${x.at("begin + k")} - top); }
  let total = ${lanes.join("sum", "sum")};
  ${loop} { y[begin + k] = exp(${x.at("begin + k")} - top) / total; }`;
  return { launches: [lineLaunch(shader, lanes, elementsOf(write) / size, body)] };
};

export const rmsNormKernel: Kernel<"rms_norm"> = ({ reads, write, attrs }, variant) => {
  const shader = createShader();
  const lanes = lanesOf(shader, variant.lanes);
  const [x, weight] = reads.map((type, k) => shader.read(k, type));
  bindResult(shader, write);
  const size = write.shape.at(-1)!;
  const n = shader.size(size);
  const eps = shader.float(attrs.eps);
  const loop = `for (var k = ${lanes.own}; k < ${n}; k += ${lanes.count}u)`;
  const body = `  let begin = line * ${n};
  var squares = 0.0;
  ${loop} { let value = ${x!.at("begin + k")}; squares = fma(value, value, squares); }
  let total = ${lanes.join("sum", "squares")};
  let scale = 1.0 / sqrt(total / f32(${n}) + ${eps});
  ${loop} { y[begin + k] = ${x!.at("begin + k")} * scale * ${weight!.at("k")}; }`;
  return { launches: [lineLaunch(shader, lanes, elementsOf(write) / size, body)] };
};

export const layerNormKernel: Kernel<"layer_norm"> = ({ reads, write, attrs }, variant) => {
  const shader = createShader();
  const lanes = lanesOf(shader, variant.lanes);
  const [x, weight, bias] = reads.map((type, k) => shader.read(k, type));
  bindResult(shader, write);
  const size = write.shape.at(-1)!;
  const n = shader.size(size);
  const eps = shader.float(attrs.eps);
  const loop = `for (var k = ${lanes.own}; k < ${n}; k += ${lanes.count}u)`;
  const body = `  let begin = line * ${n};
  var sum = 0.0;
  ${loop} { sum += ${x!.at("begin + k")}; }
  let mean = ${lanes.join("sum", "sum")} / f32(${n});
  var squares = 0.0;
  ${loop} { let value = ${x!.at("begin + k")} - mean; squares = fma(value, value, squares); }
  let variance = ${lanes.join("sum", "squares")} / f32(${n});
  let scale = 1.0 / sqrt(variance + ${eps});
  ${loop} { y[begin + k] = fma((${x!.at("begin + k")} - mean) * scale, ${weight!.at("k")}, ${bias!.at("k")}); }`;
  return { launches: [lineLaunch(shader, lanes, elementsOf(write) / size, body)] };
};
