/** What the two ways of computing attention share: which run of keys a query sees, and how a score is made. */
import type { OpAttrs, TensorType } from "@fusewire/ir";
import type { Step } from "../wgsl/launch.ts";
import type { Shader, Source } from "../wgsl/shader.ts";

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

/** Adds the functions `run_of(b, t)`, first and last key; `slot_of(j)`, in the cache row; and `cache_row(b)`. */
export function declareRuns(shader: Shader, { reads, attrs }: AttentionStep): void {
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
  shader.declare(`fn slot_of(j: u32) -> u32 { return j${attrs.ring ? ` % ${S}` : ""}; }`);
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
