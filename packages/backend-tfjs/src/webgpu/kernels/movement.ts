/** Ops that only move elements, of every dtype. */
import { type Shape, stridesOf } from "@fusewire/ir";
import type { Launch, Step } from "../wgsl/launch.ts";
import { mapLaunch } from "../wgsl/map.ts";
import { bindResult, createShader, elementsOf, GROUP_NUMBER, gridOf } from "../wgsl/shader.ts";
import { bitsExpression, perWord, wordType } from "../wgsl/storage.ts";
import { broadcastStrides, stridedIndex } from "../wgsl/strided.ts";
import type { Kernel } from "./kernel.ts";

/** Element i of the result is the input's element under other strides. */
const strided = (step: Step, strides: readonly number[], offset = 0): Launch =>
  mapLaunch(step, (shader) => {
    const x = shader.read(0, step.reads[0]!);
    const at = stridedIndex(shader, "i", step.write.shape, strides, offset);
    return `  let p = ${at};\n  return ${x.at("p")};`;
  });

export const transposeKernel: Kernel<"transpose"> = (step) => {
  const strides = stridesOf(step.reads[0]!.shape);
  return {
    launches: [
      strided(
        step,
        step.attrs.perm.map((axis) => strides[axis]!),
      ),
    ],
  };
};

export const broadcastToKernel: Kernel<"broadcast_to"> = (step) => ({
  launches: [strided(step, broadcastStrides(step.reads[0]!.shape, step.write.shape))],
});

export const sliceKernel: Kernel<"slice"> = (step) => {
  const strides = stridesOf(step.reads[0]!.shape);
  const offset = step.attrs.starts.reduce((sum, start, k) => sum + start * strides[k]!, 0);
  return { launches: [strided(step, strides, offset)] };
};

/** Inputs of one launch of `concat`; with the result, as many buffers as every adapter binds. */
const JOINED = 7;

export const concatKernel: Kernel<"concat"> = (step) => {
  const launches: Launch[] = [];
  let before = 0;
  for (let first = 0; first < step.reads.length; first += JOINED) {
    const inputs = step.reads.slice(first, first + JOINED);
    const size = inputs.reduce((sum, { shape }) => sum + shape[step.attrs.axis]!, 0);
    launches.push(concatLaunch(step, first, inputs.length, before, before + size));
    before += size;
  }
  return { launches };
};

/** Writes the part of the result that lies between `from` and `to` along the axis, and keeps the rest. */
function concatLaunch(
  { reads, write, attrs: { axis } }: Step<{ readonly axis: number }>,
  first: number,
  count: number,
  from: number,
  to: number,
): Launch {
  const shader = createShader();
  const product = (shape: Shape) => shape.reduce((n, d) => n * d, 1);
  const inner = shader.size(product(write.shape.slice(axis + 1)));
  const along = shader.size(write.shape[axis]!);
  const [low, high] = [shader.size(from), shader.size(to)];
  let start = from;
  const cases = reads.slice(first, first + count).map((type, k) => {
    const x = shader.read(first + k, type);
    const size = type.shape[axis]!;
    const text = `  if (at < ${shader.size(start + size)}) { let p = (outer * ${shader.size(size)} + at - ${shader.size(start)}) * ${inner} + rest; return ${x.at("p")}; }`;
    start += size;
    return text;
  });
  const lanes = perWord(write.dtype);
  bindResult(shader, write);
  const element = wordType(write.dtype);
  const value =
    write.dtype === "bool"
      ? "bool"
      : write.dtype === "bf16" || write.dtype === "f16"
        ? "f32"
        : write.dtype === "i8"
          ? "i32"
          : element;
  shader.declare(
    `fn element(i: u32) -> ${value} {\n  let rest = i % ${inner};\n  let at = (i / ${inner}) % ${along};\n  let outer = i / ${inner} / ${along};\n${cases.join("\n")}\n  return ${value}();\n}`,
  );
  shader.declare(
    `fn covered(i: u32) -> bool { let at = (i / ${inner}) % ${along}; return at >= ${low} && at < ${high}; }`,
  );
  const total = elementsOf(write);
  const elements = shader.size(total);
  const words = Math.ceil(total / lanes);
  const whole = `  if (word >= ${elements} || !covered(word)) { return; }\n  y[word] = element(word);`;
  const packed = `  if (word * ${lanes}u >= ${elements}) { return; }
  var bits = y[word];
  for (var k = 0u; k < ${lanes}u; k++) {
    let i = word * ${lanes}u + k;
    if (i < ${elements} && covered(i)) { bits = insertBits(bits, ${lanes > 1 ? bitsExpression(write.dtype, "element(i)") : ""}, k * ${32 / lanes}u, ${32 / lanes}u); }
  }
  y[word] = bits;`;
  return shader.launch({
    workgroup: 64,
    groups: gridOf(Math.ceil(words / 64)),
    body: `  let word = ${GROUP_NUMBER} * 64u + lane;\n${lanes === 1 ? whole : packed}`,
  });
}

/** What the planner adds where a value must live on: the same bytes in other memory. */
export function copyLaunch(step: Step): Launch {
  const shader = createShader();
  const words = Math.ceil(elementsOf(step.write) / perWord(step.write.dtype));
  shader.bind({ kind: "read", index: 0 }, "read", "x0", "array<u32>");
  shader.bind({ kind: "write" }, "read_write", "y", "array<u32>");
  const count = shader.size(words);
  return shader.launch({
    workgroup: 64,
    groups: gridOf(Math.ceil(words / 64)),
    body: `  let word = ${GROUP_NUMBER} * 64u + lane;\n  if (word < ${count}) { y[word] = x0[word]; }`,
  });
}
