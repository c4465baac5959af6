import type { Plan } from "../wgsl/launch.ts";
import { createShader, GROUP_NUMBER, gridOf } from "../wgsl/shader.ts";
import {
  type AttentionStep,
  attentionSizes,
  declareRuns,
  isCoded,
  readEntries,
  runsBytes,
  runsLaunches,
  scoreExpression,
} from "./attention_frame.ts";

/**
 * A thread a query and head, one pass over its run of keys: the sums so far are scaled down whenever a larger score
 * turns up (online softmax, Milakov & Gimelshein 2018), so memory does not grow with the run.
 */
export function attentionApart(step: AttentionStep): Plan {
  const { batch, heads, length, d, dv, groups, slots } = attentionSizes(step.reads);
  const shader = createShader();
  const query = shader.read(0, step.reads[0]!);
  const [key, value] = ([1, 2] as const).map((side) => readEntries(shader, step, side, 1));
  declareRuns(shader, step);
  shader.bind({ kind: "write" }, "read_write", "y", "array<f32>");
  const [H, T, S] = [heads, length, slots].map((n) => shader.size(n));
  const queries = batch * heads * length;
  const total = shader.size(queries);
  const body = `  let i = ${GROUP_NUMBER} * 64u + lane;
  if (i >= ${total}) { return; }
  let t = i % ${T};
  let h = i / ${T} % ${H};
  let b = i / ${T} / ${H};
  let run = run_of(b, t);
  let first = (cache_row(b) * ${groups}u + h * ${groups}u / ${H}) * ${S};
  var q: array<f32, ${d}>;
  for (var k = 0u; k < ${d}u; k++) { q[k] = ${query.at(`i * ${d}u + k`)}; }
  var sums: array<f32, ${dv}>;
  var largest = -3.4e38;
  var total = 0.0;
  for (var j = run.x; j <= run.y; j++) {
    let slot = first + slot_of(u32(j));
    var dot = 0.0;
    for (var k = 0u; k < ${d}u; k++) { dot = fma(q[k], ${key!.at(`slot * ${d}u + k`)}, dot); }
    ${isCoded(step) ? `dot *= ${key!.factor("slot")};` : ""}
    let score = ${scoreExpression(shader, step.attrs, "dot")};
    if (score > largest) {
      let shrink = exp(largest - score);
      largest = score;
      total *= shrink;
      for (var k = 0u; k < ${dv}u; k++) { sums[k] *= shrink; }
    }
    let weight = exp(score - largest);
    total += weight;
    let share = weight${isCoded(step) ? ` * ${value!.factor("slot")}` : ""};
    for (var k = 0u; k < ${dv}u; k++) { sums[k] = fma(share, ${value!.at(`slot * ${dv}u + k`)}, sums[k]); }
  }
  let share = select(0.0, 1.0 / total, run.x <= run.y);
  for (var k = 0u; k < ${dv}u; k++) { y[i * ${dv}u + k] = sums[k] * share; }`;
  return {
    launches: [
      ...runsLaunches(step),
      shader.launch({ workgroup: 64, groups: gridOf(Math.ceil(queries / 64)), body }),
    ],
    scratch: isCoded(step) ? [runsBytes(step)] : [],
  };
}
