import { type OpAttrs, type Shape, sizeOf } from "@fusewire/ir";
import type { Launch, Step } from "../wgsl/launch.ts";
import { createShader, GROUP_NUMBER, gridOf, type Shader, type Source } from "../wgsl/shader.ts";
import type { Kernel } from "./kernel.ts";

type AppendStep = Step<OpAttrs["append_heads"]>;

/** Columns of a projection into the cache, in place, turned by rotary or not: a thread an element. */
export const appendHeadsKernel: Kernel<"append_heads"> = (step) => ({ launches: [appendLaunch([step])] });

/**
 * Keys and values of one layer in one launch, where both come from one projection at the same places. The reads are
 * those of the first step and the cache of the second, at the index after them.
 */
export const appendBoth = (first: AppendStep, second: AppendStep): Launch => appendLaunch([first, second]);

/** Elements that a step writes at most. */
const elementsOf = ({ reads }: AppendStep): number => {
  const [, groups, , d] = reads[0]!.shape as [number, number, number, number];
  return sizeOf(reads[4]!.shape.slice(0, 2)) * groups * d;
};

function appendLaunch(steps: readonly [AppendStep, AppendStep?]): Launch {
  const [first, second] = steps;
  const shader = createShader();
  // The angles are those of the step that has any.
  const shared = first.reads.map((type, k) => (k === 0 ? undefined : shader.read(k, type)));
  shader.bind({ kind: "write" }, "read_write", "y0", "array<f32>");
  if (second) shader.bind({ kind: "read", index: first.reads.length }, "read_write", "y1", "array<f32>");
  const bodies = [first, ...(second ? [second] : [])].map((step, k) => {
    shader.declare(`fn append_${k}(i: u32) {\n${appendBody(shader, step, shared, `y${k}`)}\n}`);
    return shader.size(elementsOf(step));
  });
  const total = elementsOf(first) + (second ? elementsOf(second) : 0);
  const [count] = bodies;
  const body = `  let i = ${GROUP_NUMBER} * 64u + lane;
  if (i < ${count}) { append_0(i); }${second ? `\n  else if (i - ${count} < ${bodies[1]}) { append_1(i - ${count}); }` : ""}`;
  return shader.launch({ workgroup: 64, groups: gridOf(Math.ceil(total / 64)), body });
}

/** Statements that write element `i`, of shape [B, heads, T, D], where it belongs. */
function appendBody(
  shader: Shader,
  { reads, attrs: { start, ring, rotary } }: AppendStep,
  shared: readonly (Source | undefined)[],
  target: string,
): string {
  const [, row, position, fresh, source, cos, sin] = shared;
  const [, length, width] = reads[4]!.shape as Shape & [number, number, number];
  const [cacheRows, groups, slots, d] = reads[0]!.shape as Shape & [number, number, number, number];
  const [G, T, W, S, R, D, first] = [groups, length, width, slots, cacheRows, d, start].map((n) =>
    shader.size(n),
  );
  const half = shader.size(d / 2);
  const value = rotary
    ? `  let low = k < ${half};
  let angle = (b * ${T} + t) * ${half} + k % ${half};
  let other = ${source!.at(`select(column - ${half}, column + ${half}, low)`)};
  let value = ${source!.at("column")} * ${cos!.at("angle")} + select(other, -other, low) * ${sin!.at("angle")};`
    : `  let value = ${source!.at("column")};`;
  return `  let k = i % ${D};
  let g = i / ${D} % ${G};
  let t = i / ${D} / ${G} % ${T};
  let b = i / ${D} / ${G} / ${T};
  let cache_row = ${row!.at("b")};
  let entry = ${position!.at("b")} + i32(t);
  if (i32(t) >= ${fresh!.at("b")} || cache_row < 0 || cache_row >= i32(${R}) || entry < 0) { return; }
  ${ring ? `let slot = u32(entry) % ${S};` : `let slot = u32(entry);\n  if (slot >= ${S}) { return; }`}
  let column = (b * ${T} + t) * ${W} + ${first} + g * ${D} + k;
${value}
  ${target}[((u32(cache_row) * ${G} + g) * ${S} + slot) * ${D} + k] = value;`;
}
