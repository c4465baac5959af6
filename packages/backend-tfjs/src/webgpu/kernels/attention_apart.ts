import { createShader, GROUP_NUMBER, gridOf } from "../wgsl/shader.ts";
import type { Kernel } from "./kernel.ts";

/**
 * A thread a query and head, one pass over its run of keys: the sums so far are scaled down whenever a larger score
 * turns up (online softmax, Milakov & Gimelshein 2018), so memory does not grow with the run.
 */
export const attentionKernel: Kernel<"attention"> = ({ reads, attrs: { scale, softcap, ring } }) => {
  const [q, keys, values, rows, lo, hi] = reads;
  const [batch, heads, length, d] = q!.shape as [number, number, number, number];
  const [cacheRows, groups, slots, dv] = values!.shape as [number, number, number, number];
  const shader = createShader();
  const [query, key, value, row, low, high] = [q, keys, values, rows, lo, hi].map((type, k) =>
    shader.read(k, type!),
  );
  shader.bind({ kind: "write" }, "read_write", "y", "array<f32>");
  const [H, T, S, R] = [heads, length, slots, cacheRows].map((n) => shader.size(n));
  const total = shader.size(batch * heads * length);
  const factor = shader.float(scale);
  const cap = softcap > 0 ? shader.float(softcap) : "";
  const capped =
    softcap > 0 ? `${cap} * tanh(clamp(dot * ${factor} / ${cap}, -15.0, 15.0))` : `dot * ${factor}`;
  const body = `  let i = ${GROUP_NUMBER} * 64u + lane;
  if (i >= ${total}) { return; }
  let t = i % ${T};
  let h = i / ${T} % ${H};
  let b = i / ${T} / ${H};
  let last = ${high!.at(`b * ${T} + t`)};
  ${
    ring
      ? `let to = last;\n  let begin = max(max(0, ${low!.at(`b * ${T} + t`)}), to - i32(${S}) + 1);`
      : `let to = min(i32(${S}) - 1, last);\n  let begin = max(0, ${low!.at(`b * ${T} + t`)});`
  }
  let cache_row = u32(clamp(${row!.at("b")}, 0, i32(${R}) - 1));
  let first = (cache_row * ${groups}u + h * ${groups}u / ${H}) * ${S};
  var q: array<f32, ${d}>;
  for (var k = 0u; k < ${d}u; k++) { q[k] = ${query!.at(`i * ${d}u + k`)}; }
  var sums: array<f32, ${dv}>;
  var largest = -3.4e38;
  var total = 0.0;
  for (var j = begin; j <= to; j++) {
    let slot = u32(j)${ring ? ` % ${S}` : ""};
    let key = (first + slot) * ${d}u;
    var dot = 0.0;
    for (var k = 0u; k < ${d}u; k++) { dot = fma(q[k], ${key!.at("key + k")}, dot); }
    let score = ${capped};
    if (score > largest) {
      let shrink = exp(largest - score);
      largest = score;
      total *= shrink;
      for (var k = 0u; k < ${dv}u; k++) { sums[k] *= shrink; }
    }
    let weight = exp(score - largest);
    total += weight;
    let value = (first + slot) * ${dv}u;
    for (var k = 0u; k < ${dv}u; k++) { sums[k] = fma(weight, ${value!.at("value + k")}, sums[k]); }
  }
  let share = select(0.0, 1.0 / total, begin <= to);
  for (var k = 0u; k < ${dv}u; k++) { y[i * ${dv}u + k] = sums[k] * share; }`;
  const groupsOf = gridOf(Math.ceil((batch * heads * length) / 64));
  return { launches: [shader.launch({ workgroup: 64, groups: groupsOf, body })] };
};
