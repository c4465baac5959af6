/** What the two ways of computing attention share: which run of keys a query sees, and how a score is made. */
import type { OpAttrs, TensorType } from "@fusewire/ir";
import type { Launch, Step } from "../wgsl/launch.ts";
import { createShader, GROUP_NUMBER, gridOf, type Shader, type Source } from "../wgsl/shader.ts";
import { readVectors, type VectorSource } from "../wgsl/vectors.ts";

export type AttentionStep = Step<OpAttrs["attention"]>;

export interface AttentionSizes {
  readonly batch: number;
  readonly heads: number;
  readonly length: number;
  readonly d: number;
  readonly dv: number;
  readonly groups: number;
  readonly slots: number;
  readonly cacheRows: number;
}

export function attentionSizes([q, , values]: readonly TensorType[]): AttentionSizes {
  const [batch, heads, length, d] = q!.shape as [number, number, number, number];
  const [cacheRows, groups, slots, dv] = values!.shape as [number, number, number, number];
  return { batch, heads, length, d, dv, groups, slots, cacheRows };
}

/** Whether keys and values are bytes with a scale for each entry. */
export const isCoded = ({ reads }: AttentionStep): boolean => reads[1]!.dtype === "i8";

/** Scratch memory for the runs of keys, a vec4i a query; the first that a step has. */
const RUNS = { kind: "scratch", index: 0 } as const;
export const runsBytes = ({ reads }: AttentionStep): number => {
  const { batch, length } = attentionSizes(reads);
  return batch * length * 16;
};

/** Keys, side 1, or values, side 2. */
export interface Entries extends VectorSource {
  /** An expression for what the elements of the entry in a slot are multiplied by; undefined where they are floats. */
  factor(slot: string): string | undefined;
}

export function readEntries(shader: Shader, { reads }: AttentionStep, side: 1 | 2, width: 1 | 4): Entries {
  const vectors = readVectors(shader, side, reads[side]!, width);
  const scales = reads[side + 5] && shader.read(side + 5, reads[side + 5]!);
  return { ...vectors, factor: (slot) => scales?.at(slot) };
}

/**
 * Adds the functions `run_of(b, t)`, first and last key; `slot_of(j)`, in the cache row; and `cache_row(b)`. Scales of
 * bytes would take a launch beyond 8 storage buffers, so there the runs come from a launch of their own.
 */
export function declareRuns(shader: Shader, step: AttentionStep): void {
  const { slots, length } = attentionSizes(step.reads);
  const [S, T] = [shader.size(slots), shader.size(length)];
  shader.declare(`fn slot_of(j: u32) -> u32 { return j${step.attrs.ring ? ` % ${S}` : ""}; }`);
  if (!isCoded(step)) {
    declareOwnRuns(shader, step);
    return;
  }
  shader.bind(RUNS, "read", "runs", "array<vec4i>");
  shader.declare(`fn run_of(b: u32, t: u32) -> vec2i { return runs[b * ${T} + t].xy; }`);
  shader.declare(`fn cache_row(b: u32) -> u32 { return u32(runs[b * ${T}].z); }`);
}

/** The launch that finds the runs for the others of the step; none where they find them by themselves. */
export function runsLaunches(step: AttentionStep): Launch[] {
  if (!isCoded(step)) return [];
  const { batch, length } = attentionSizes(step.reads);
  const shader = createShader();
  declareOwnRuns(shader, step);
  shader.bind(RUNS, "read_write", "runs", "array<vec4i>");
  const T = shader.size(length);
  const body = `  let i = ${GROUP_NUMBER} * 64u + lane;
  if (i < ${shader.size(batch * length)}) {
    runs[i] = vec4i(run_of(i / ${T}, i % ${T}), i32(cache_row(i / ${T})), 0);
  }`;
  return [shader.launch({ workgroup: 64, groups: gridOf(Math.ceil((batch * length) / 64)), body })];
}

function declareOwnRuns(shader: Shader, { reads, attrs }: AttentionStep): void {
  const { slots, length, cacheRows } = attentionSizes(reads);
  const [row, low, high] = [3, 4, 5].map((k) => shader.read(k, reads[k]!)) as [Source, Source, Source];
  const [S, T, R] = [slots, length, cacheRows].map((n) => shader.size(n));
  const at = `b * ${T} + t`;
  shader.declare(
    attrs.ring
      ? `fn run_of(b: u32, t: u32) -> vec2i {
  let last = ${high.at(at)};
  // A ring holds the latest keys only.
  return vec2i(max(max(0, ${low.at(at)}), last - i32(${S}) + 1), last);
}`
      : `fn run_of(b: u32, t: u32) -> vec2i {
  return vec2i(max(0, ${low.at(at)}), min(i32(${S}) - 1, ${high.at(at)}));
}`,
  );
  shader.declare(`fn cache_row(b: u32) -> u32 { return u32(clamp(${row.at("b")}, 0, i32(${R}) - 1)); }`);
}

/** An expression for the score of a product of query and key, which must be a name. */
export function scoreExpression(
  shader: Shader,
  { scale, softcap }: AttentionStep["attrs"],
  dot: string,
): string {
  const factor = shader.float(scale);
  if (softcap <= 0) return `${dot} * ${factor}`;
  const cap = shader.float(softcap);
  return `${cap} * tanh(clamp(${dot} * ${factor} / ${cap}, -15.0, 15.0))`;
}
