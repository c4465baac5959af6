/** Ops that scale each line of the last axis by something summed over it. */
import type { Step } from "../wgsl/launch.ts";
import { lanesFor, lanesOf, lineLaunch } from "../wgsl/lines.ts";
import { bindResult, createShader, elementsOf } from "../wgsl/shader.ts";
import { readVectors, sumOf, vectorType, vectorWidth } from "../wgsl/vectors.ts";
import type { Kernel, Variant } from "./kernel.ts";

export const softmaxKernel: Kernel<"softmax"> = ({ reads, write }, variant) => {
  const shader = createShader();
  const lanes = lanesOf(shader, variant.lanes, variant);
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

/** As many lanes, and sums in the same order, as products that normalise by themselves: the bits are the same. */
function normFrame({ reads, write }: Step, variant: Variant) {
  const size = write.shape.at(-1)!;
  const width = vectorWidth(size);
  const shader = createShader();
  const lanes = lanesOf(shader, lanesFor(variant.lanes, size / width), variant);
  const sources = reads.map((type, k) => readVectors(shader, k, type, width));
  const type = vectorType(width);
  shader.bind({ kind: "write" }, "read_write", "y", `array<${type}>`);
  const vectors = shader.size(size / width);
  const n = shader.size(size);
  const loop = `for (var k = ${lanes.own}; k < ${vectors}; k += ${lanes.count}u)`;
  const sum = (vector: string) => lanes.join("sum", sumOf(vector, width));
  return { shader, lanes, sources, type, vectors, n, loop, sum, lines: elementsOf(write) / size };
}

export const rmsNormKernel: Kernel<"rms_norm"> = (step, variant) => {
  const { shader, lanes, sources, type, vectors, n, loop, sum, lines } = normFrame(step, variant);
  const [x, gain] = sources;
  const body = `  let begin = line * ${vectors};
  var squares = ${type}();
  ${loop} { let value = ${x!.at("begin + k")}; squares = fma(value, value, squares); }
  let scale = 1.0 / sqrt(${sum("squares")} / f32(${n}) + ${shader.float(step.attrs.eps)});
  ${loop} { y[begin + k] = ${x!.at("begin + k")} * scale * ${gain!.at("k")}; }`;
  return { launches: [lineLaunch(shader, lanes, lines, body)] };
};

export const layerNormKernel: Kernel<"layer_norm"> = (step, variant) => {
  const { shader, lanes, sources, type, vectors, n, loop, sum, lines } = normFrame(step, variant);
  const [x, gain, shift] = sources;
  const body = `  let begin = line * ${vectors};
  var total = ${type}();
  ${loop} { total += ${x!.at("begin + k")}; }
  let mean = ${sum("total")} / f32(${n});
  var squares = ${type}();
  ${loop} { let value = ${x!.at("begin + k")} - mean; squares = fma(value, value, squares); }
  let scale = 1.0 / sqrt(${sum("squares")} / f32(${n}) + ${shader.float(step.attrs.eps)});
  ${loop} { y[begin + k] = fma((${x!.at("begin + k")} - mean) * scale, ${gain!.at("k")}, ${shift!.at("k")}); }`;
  return { launches: [lineLaunch(shader, lanes, lines, body)] };
};
