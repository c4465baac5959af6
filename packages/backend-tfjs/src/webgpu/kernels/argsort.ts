/**
 * A stable merge sort without barriers, of any number of lines at once: a launch sorts blocks, each further one merges
 * runs by twos. An element finds its place by itself: where it lies in its own run, and how many of the other run come
 * before it, by bisection. So the work is n log² n, in log n launches, and a line no longer than a block takes one.
 */
import type { OpAttrs } from "@fusewire/ir";
import type { Launch, Memory, Step } from "../wgsl/launch.ts";
import { declareOrder } from "../wgsl/order.ts";
import { createShader, elementsOf, GROUP_NUMBER, gridOf, type Shader } from "../wgsl/shader.ts";
import type { Kernel } from "./kernel.ts";

type ArgsortStep = Step<OpAttrs["argsort"]>;

/** Elements that are compared each with each. */
const BLOCK = 64;

/** Where a launch leaves its runs: as pairs of key and index, or, when a line is one run, as indices. */
const pairs = (index: number): Memory => ({ kind: "scratch", index });
const RESULT: Memory = { kind: "write" };

export const argsortKernel: Kernel<"argsort"> = (step) => {
  const n = step.write.shape.at(-1)!;
  const widths: number[] = [];
  for (let width = BLOCK; width < n; width *= 2) widths.push(width);
  const targets = [...widths.map((_, k) => pairs(k % 2)), RESULT];
  const launches = [
    blockLaunch(step, targets[0]!),
    ...widths.map((width, k) => mergeLaunch(step, width, targets[k]!, targets[k + 1]!)),
  ];
  const bytes = 8 * elementsOf(step.write);
  return { launches, scratch: Array.from({ length: Math.min(2, widths.length) }, () => bytes) };
};

/** Binds where the runs go, and writes the statement that stores an element at a place of its line. */
function bindTarget(shader: Shader, target: Memory): (place: string, key: string, index: string) => string {
  if (target.kind === "write") {
    shader.bind(target, "read_write", "y", "array<i32>");
    return (place, _key, index) => `y[begin + ${place}] = i32(${index});`;
  }
  shader.bind(target, "read_write", "to", "array<vec2u>");
  return (place, key, index) => `to[begin + ${place}] = vec2u(${key}, ${index});`;
}

/** A thread an element, which finds its line's `begin` and its place `own` in it. */
function elementLaunch(shader: Shader, step: ArgsortStep, body: (n: string) => string): Launch {
  const n = shader.size(step.write.shape.at(-1)!);
  const total = shader.size(elementsOf(step.write));
  return shader.launch({
    workgroup: 64,
    groups: gridOf(Math.ceil(elementsOf(step.write) / 64)),
    body: `  let i = ${GROUP_NUMBER} * 64u + lane;
  if (i >= ${total}) { return; }
  let begin = i / ${n} * ${n};
  let own = i - begin;
${body(n)}`,
  });
}

/** Sorts blocks: an element comes behind those that are less, and behind its equals in front of it. */
function blockLaunch(step: ArgsortStep, target: Memory): Launch {
  const shader = createShader();
  const x = shader.read(0, step.reads[0]!);
  const store = bindTarget(shader, target);
  const isFloat = step.reads[0]!.dtype === "f32";
  if (isFloat) declareOrder(shader);
  const key = (at: string) => (isFloat ? `order(${at})` : `(bitcast<u32>(${at}) ^ 0x80000000u)`);
  shader.declare(`fn key_of(i: u32) -> u32 { return ${step.attrs.descending ? "~" : ""}${key(x.at("i"))}; }`);
  return elementLaunch(
    shader,
    step,
    (n) => `  let a = key_of(i);
  let first = own / ${BLOCK}u * ${BLOCK}u;
  var place = first;
  for (var k = first; k < min(first + ${BLOCK}u, ${n}); k++) {
    let b = key_of(begin + k);
    if (b < a || (b == a && k < own)) { place++; }
  }
  ${store("place", "a", "own")}`,
  );
}

/** Merges runs of `width` by twos; equals of the first run stay in front of those of the second. */
function mergeLaunch(step: ArgsortStep, width: number, source: Memory, target: Memory): Launch {
  const shader = createShader();
  shader.bind(source, "read", "runs", "array<vec2u>");
  const store = bindTarget(shader, target);
  const w = shader.size(width);
  return elementLaunch(
    shader,
    step,
    (n) => `  let element = runs[i];
  let first = own / (2u * ${w}) * (2u * ${w});
  let middle = min(first + ${w}, ${n});
  let isSecond = own >= middle;
  // In the other run, what comes before the element ends at \`low\`.
  let start = select(middle, first, isSecond);
  let end = select(min(first + 2u * ${w}, ${n}), middle, isSecond);
  var low = start;
  var high = end;
  while (low < high) {
    let half = (low + high) / 2u;
    let key = runs[begin + half].x;
    if (key < element.x || (isSecond && key == element.x)) { low = half + 1u; } else { high = half; }
  }
  let place = own + low - middle;
  ${store("place", "element.x", "element.y")}`,
  );
}
