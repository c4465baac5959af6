/** Reductions along any axis. */
import type { Shape } from "@fusewire/ir";
import type { Launch, Step } from "../wgsl/launch.ts";
import { lanesOf, lineLaunch } from "../wgsl/lines.ts";
import { mapLaunch } from "../wgsl/map.ts";
import { bindResult, createShader, elementsOf, nonFinite, type Shader } from "../wgsl/shader.ts";
import type { Kernel, KernelOf } from "./kernel.ts";

type Along = Step<{ readonly axis: number }>;

const product = (shape: Shape) => shape.reduce((n, d) => n * d, 1);

/** Below this a line is not worth a workgroup. */
const LONG = 256;

/** The statement that finds where line `i` begins, and the step and length of lines. */
function lineOf(shader: Shader, { reads, attrs: { axis } }: Along, i: string) {
  const { shape } = reads[0]!;
  const stride = shader.size(product(shape.slice(axis + 1)));
  const n = shader.size(shape[axis]!);
  return { text: `  let begin = (${i} / ${stride}) * ${stride} * ${n} + ${i} % ${stride};`, stride, n };
}

interface Fold {
  /** Declares `acc` with the neutral value; may read the first element as `first`. */
  readonly start: (type: "f32" | "i32") => string;
  readonly fold: string;
  readonly join: Readonly<Record<"f32" | "i32", "sum" | "max" | "sum_i32" | "max_i32">>;
}

const reduction =
  ({ start, fold, join }: Fold): KernelOf<Along["attrs"]> =>
  (step, variant) => {
    const { dtype, shape } = step.reads[0]!;
    const type = dtype === "i32" ? "i32" : "f32";
    const loop = (shader: Shader, i: string, first: string, lanes: number): string => {
      const x = shader.read(0, step.reads[0]!);
      const { text, stride, n } = lineOf(shader, step, i);
      return `${text}
  let first = ${x.at("begin")};
  ${start(type)}
  for (var k = ${first}; k < ${n}; k += ${lanes}u) { let x = ${x.at(`begin + k * ${stride}`)}; ${fold} }`;
    };
    const long = variant.lanes > 1 && shape[step.attrs.axis]! >= LONG;
    if (!long)
      return { launches: [mapLaunch(step, (shader) => `${loop(shader, "i", "0u", 1)}\n  return acc;`)] };
    const shader = createShader();
    const lanes = lanesOf(shader, variant.lanes, variant);
    const text = loop(shader, "line", lanes.own, lanes.count);
    bindResult(shader, step.write);
    const body = `${text}\n  let all = ${lanes.join(join[type], "acc")};\n  if (lane == 0u) { y[line] = all; }`;
    return { launches: [lineLaunch(shader, lanes, elementsOf(step.write), body)] };
  };

export const reduceSumKernel = reduction({
  start: (type) => `var acc = ${type}();`,
  fold: "acc += x;",
  join: { f32: "sum", i32: "sum_i32" },
});

export const reduceMaxKernel = reduction({
  start: () => "var acc = first;",
  fold: "acc = max(acc, x);",
  join: { f32: "max", i32: "max_i32" },
});

/** Ties go to the lowest index and NaN never wins, as a comparison with NaN is false. */
export const argmaxKernel: Kernel<"argmax"> = (step, variant) => {
  const { dtype, shape } = step.reads[0]!;
  const long = variant.lanes > 1 && shape[step.attrs.axis]! >= LONG;
  const loop = (shader: Shader, i: string, own: string, count: number): string => {
    const x = shader.read(0, step.reads[0]!);
    const { text, stride, n } = lineOf(shader, step, i);
    const lowest = dtype === "i32" ? "i32(-2147483648)" : nonFinite(shader, Number.NEGATIVE_INFINITY);
    return `${text}
  let lowest = ${lowest};
  var best = 0xffffffffu;
  var largest = lowest;
  for (var k = ${own}; k < ${n}; k += ${count}u) {
    let x = ${x.at(`begin + k * ${stride}`)};
    if (x > largest) { largest = x; best = k; }
  }`;
  };
  // Where nothing is above -inf, the first element is the answer.
  if (!long)
    return {
      launches: [
        mapLaunch(
          step,
          (shader) => `${loop(shader, "i", "0u", 1)}\n  return select(i32(best), 0, best == 0xffffffffu);`,
        ),
      ],
    };
  const shader = createShader();
  const lanes = lanesOf(shader, variant.lanes, variant);
  const text = loop(shader, "line", lanes.own, lanes.count);
  bindResult(shader, step.write);
  const body = `${text}
  let top = ${lanes.join(dtype === "i32" ? "max_i32" : "max", "largest")};
  let first = ${lanes.join("min_u32", "select(0xffffffffu, best, largest == top)")};
  if (lane == 0u) { y[line] = select(i32(first), 0, first == 0xffffffffu); }`;
  return { launches: [lineLaunch(shader, lanes, elementsOf(step.write), body)] };
};

/** One thread a line, or lanes that each take a run of it: sums of runs first, then the running sum inside each. */
export const cumsumKernel: Kernel<"cumsum"> = (step, variant) => {
  const { shape } = step.reads[0]!;
  const { axis } = step.attrs;
  const lines = elementsOf(step.write) / shape[axis]!;
  const launches: Launch[] = [];
  const shader = createShader();
  const count = shape[axis]! >= LONG ? variant.lanes : 1;
  const lanes = lanesOf(shader, count, variant);
  const x = shader.read(0, step.reads[0]!);
  const { text, stride, n } = lineOf(shader, step, "line");
  bindResult(shader, step.write);
  const type = step.write.dtype === "i32" ? "i32" : "f32";
  if (count > 1) shader.declare(`var<workgroup> runs: array<${type}, ${count}>;`);
  const start =
    count === 1
      ? `  let low = 0u;\n  let high = ${n};\n  var sum = ${type}();`
      : `  let run = (${n} + ${count - 1}u) / ${count}u;
  let low = min(lane * run, ${n});
  let high = min(low + run, ${n});
  var own = ${type}();
  for (var k = low; k < high; k++) { own += ${x.at(`begin + k * ${stride}`)}; }
  runs[lane] = own;
  workgroupBarrier();
  var sum = ${type}();
  for (var k = 0u; k < lane; k++) { sum += runs[k]; }`;
  const body = `${text}
${start}
  for (var k = low; k < high; k++) { sum += ${x.at(`begin + k * ${stride}`)}; y[begin + k * ${stride}] = sum; }`;
  launches.push(lineLaunch(shader, lanes, lines, body));
  return { launches };
};
