import { FusewireError, type OpAttrs, type Shape, sizeOf } from "@fusewire/ir";
import type { Launch, Step } from "../wgsl/launch.ts";
import { createShader, GROUP_NUMBER, gridOf, type Shader, type Source } from "../wgsl/shader.ts";
import { perWord, ROUNDING, wordType } from "../wgsl/storage.ts";
import type { Kernel } from "./kernel.ts";

type AppendStep = Step<OpAttrs["append_heads"]>;

/** Columns of a projection into the cache, in place, turned by rotary or not: a thread a word. */
export const appendHeadsKernel: Kernel<"append_heads"> = (step) => ({ launches: [appendLaunch([step])] });

/**
 * Keys and values of one layer in one launch, where both come from one projection at the same places. The reads are
 * those of the first step and the cache of the second, at the index after them.
 */
export const appendBoth = (first: AppendStep, second: AppendStep): Launch => appendLaunch([first, second]);

/** Words of the cache that a step writes at most. */
const wordsOf = ({ reads }: AppendStep): number => {
  const { dtype, shape } = reads[0]!;
  const [, groups, , d] = shape as [number, number, number, number];
  if (d % perWord(dtype) !== 0)
    throw new FusewireError(`entries of ${d} elements of ${dtype} do not fill words`);
  return (sizeOf(reads[4]!.shape.slice(0, 2)) * groups * d) / perWord(dtype);
};

function appendLaunch(steps: readonly [AppendStep, AppendStep?]): Launch {
  const [first, second] = steps;
  const shader = createShader();
  // The angles are those of the step that has any.
  const shared = first.reads.map((type, k) => (k === 0 ? undefined : shader.read(k, type)));
  const { dtype } = first.write;
  const words = `array<${wordType(dtype)}>`;
  if (dtype === "f16") shader.declare(ROUNDING.f16!);
  shader.bind({ kind: "write" }, "read_write", "y0", words);
  if (second) shader.bind({ kind: "read", index: first.reads.length }, "read_write", "y1", words);
  const bodies = [first, ...(second ? [second] : [])].map((step, k) => {
    shader.declare(`fn append_${k}(i: u32) {\n${appendBody(shader, step, shared, `y${k}`)}\n}`);
    return shader.size(wordsOf(step));
  });
  const total = wordsOf(first) + (second ? wordsOf(second) : 0);
  const [count] = bodies;
  const body = `  let i = ${GROUP_NUMBER} * 64u + lane;
  if (i < ${count}) { append_0(i); }${second ? `\n  else if (i - ${count} < ${bodies[1]}) { append_1(i - ${count}); }` : ""}`;
  return shader.launch({ workgroup: 64, groups: gridOf(Math.ceil(total / 64)), body });
}

/** Statements that write word `i` of the entries, of shape [B, heads, T, D], where it belongs. */
function appendBody(
  shader: Shader,
  { reads, attrs: { start, ring, rotary } }: AppendStep,
  shared: readonly (Source | undefined)[],
  target: string,
): string {
  const [, row, position, fresh, source, cos, sin] = shared;
  const [, length, width] = reads[4]!.shape as Shape & [number, number, number];
  const [cacheRows, groups, slots, d] = reads[0]!.shape as Shape & [number, number, number, number];
  const lanes = perWord(reads[0]!.dtype);
  const [G, T, W, S, R, D, first] = [groups, length, width, slots, cacheRows, d / lanes, start].map((n) =>
    shader.size(n),
  );
  const half = shader.size(d / 2);
  /** Statements that leave an element of the word in a name. */
  const element = (name: string, at: number): string => {
    const plain = `    let ${name} = ${source!.at(`column + ${at}u`)};`;
    if (!rotary) return plain;
    const angle = `angle + (k + ${at}u) % ${half}`;
    return `    let low${at} = k + ${at}u < ${half};
    let other${at} = ${source!.at(`select(column + ${at}u - ${half}, column + ${at}u + ${half}, low${at})`)};
    let ${name} = ${source!.at(`column + ${at}u`)} * ${cos!.at(angle)} + select(other${at}, -other${at}, low${at}) * ${sin!.at(angle)};`;
  };
  const word = lanes === 1 ? "e0" : "f16_bits(e0) | (f16_bits(e1) << 16u)";
  return `  let w = i % ${D};
  let g = i / ${D} % ${G};
  let t = i / ${D} / ${G} % ${T};
  let b = i / ${D} / ${G} / ${T};
  let cache_row = ${row!.at("b")};
  let entry = ${position!.at("b")} + i32(t);
  if (i32(t) >= ${fresh!.at("b")} || cache_row < 0 || cache_row >= i32(${R}) || entry < 0) { return; }
  ${ring ? `let slot = u32(entry) % ${S};` : `let slot = u32(entry);\n  if (slot >= ${S}) { return; }`}
  let k = w * ${lanes}u;
  let column = (b * ${T} + t) * ${W} + ${first} + g * ${D} * ${lanes}u + k;
  let angle = (b * ${T} + t) * ${half};
${[...Array(lanes).keys()].map((at) => element(`e${at}`, at)).join("\n")}
  ${target}[((u32(cache_row) * ${G} + g) * ${S} + slot) * ${D} + w] = ${word};`;
}
