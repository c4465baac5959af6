/** Filters and draws over the scores of a row. None of them sorts: a threshold is found bit by bit. */
import { lanesOf, lineLaunch } from "../wgsl/lines.ts";
import { declareOrder } from "../wgsl/order.ts";
import { bindResult, createShader, nonFinite, type Shader } from "../wgsl/shader.ts";
import type { Kernel } from "./kernel.ts";

/** Keeps scores at or above the k-th largest: the largest threshold that at least k scores reach. */
export const topKKernel: Kernel<"top_k"> = ({ reads, write, attrs: { keep } }, variant) => {
  const [batch, vocabulary] = write.shape as [number, number];
  const shader = createShader();
  const lanes = lanesOf(shader, variant.lanes, variant);
  const [scores, ks] = reads.map((type, k) => shader.read(k, type));
  bindResult(shader, write);
  declareOrder(shader);
  const n = shader.size(vocabulary);
  const least = shader.size(keep);
  const negativeInf = nonFinite(shader, Number.NEGATIVE_INFINITY);
  const loop = `for (var v = ${lanes.own}; v < ${n}; v += ${lanes.count}u)`;
  const body = `  let begin = line * ${n};
  let asked = ${ks!.at("line")};
  let k = min(${n}, max(u32(max(asked, 0)), ${least}));
  var threshold = 0u;
  for (var bit = 0u; bit < 32u; bit++) {
    let candidate = threshold | (0x80000000u >> bit);
    var reached = 0u;
    ${loop} { reached += select(0u, 1u, order(${scores!.at("begin + v")}) >= candidate); }
    let all = ${lanes.join("sum_u32", "reached")};
    if (all >= k) { threshold = candidate; }
  }
  ${loop} {
    let score = ${scores!.at("begin + v")};
    y[begin + v] = select(score, ${negativeInf}, asked > 0 && order(score) < threshold);
  }`;
  return { launches: [lineLaunch(shader, lanes, batch, body)] };
};

/** Statements that count into `passed` what holds for ids in the runs of earlier lanes. */
function countBefore(shader: Shader, lanes: number, condition: string): string {
  shader.declare(`var<workgroup> counts: array<u32, ${lanes}>;`);
  return `var own = 0u;
  for (var v = low; v < high; v++) { if (${condition}) { own++; } }
  counts[lane] = own;
  workgroupBarrier();
  for (var k = 0u; k < lane; k++) { passed += counts[k]; }`;
}

/**
 * Going up from the least likely, drops scores while their summed probability is at most 1 - p and more than `keep`
 * are left. The largest score that is dropped whole is found bit by bit; of those equal to the next one, which go by
 * id, as many go as there is room for.
 */
export const topPKernel: Kernel<"top_p"> = ({ reads, write, attrs: { keep } }, variant) => {
  const [batch, vocabulary] = write.shape as [number, number];
  const shader = createShader();
  const lanes = lanesOf(shader, variant.lanes, variant);
  const [scores, ps] = reads.map((type, k) => shader.read(k, type));
  bindResult(shader, write);
  declareOrder(shader);
  shader.declare(`fn from_order(b: u32) -> f32 {
  return bitcast<f32>(select(~b, b & 0x7fffffffu, (b & 0x80000000u) != 0u));
}`);
  const n = shader.size(vocabulary);
  const least = shader.size(keep);
  const negativeInf = nonFinite(shader, Number.NEGATIVE_INFINITY);
  const at = scores!.at("begin + v");
  const loop = `for (var v = ${lanes.own}; v < ${n}; v += ${lanes.count}u)`;
  const body = `  let begin = line * ${n};
  let p = ${ps!.at("line")};
  var largest = ${scores!.at("begin")};
  ${loop} { largest = max(largest, ${at}); }
  let top = ${lanes.join("max", "largest")};
  var sum = 0.0;
  ${loop} { sum += exp(${at} - top); }
  let total = ${lanes.join("sum", "sum")};
  let room = (1.0 - p) * total;
  let most = ${n} - min(${n}, ${least});
  // The smallest bound such that the scores up to it no longer fit: those below it all go.
  var bound = 0u;
  for (var bit = 0u; bit < 32u; bit++) {
    let candidate = bound | (0x80000000u >> bit);
    var mass = 0.0;
    var count = 0u;
    ${loop} {
      let score = ${at};
      if (order(score) < candidate) { mass += exp(score - top); count++; }
    }
    let below = ${lanes.join("sum", "mass")};
    let number = ${lanes.join("sum_u32", "count")};
    if (below <= room && number <= most) { bound = candidate; }
  }
  var mass = 0.0;
  var count = 0u;
  ${loop} {
    let score = ${at};
    if (order(score) < bound) { mass += exp(score - top); count++; }
  }
  let below = ${lanes.join("sum", "mass")};
  let number = ${lanes.join("sum_u32", "count")};
  // Of those equal to the bound, so many go as fit, one after another.
  let equal = exp(from_order(bound) - top);
  var gone = below;
  var fitting = 0u;
  while (number + fitting < most) {
    gone += equal;
    if (gone > room) { break; }
    fitting++;
  }
  // A lane's run of ids, and how many before it are equal to the bound.
  let run = (${n} + ${lanes.count - 1}u) / ${lanes.count}u;
  let low = min(${lanes.own} * run, ${n});
  let high = min(low + run, ${n});
  var passed = 0u;
  ${lanes.count === 1 ? "" : countBefore(shader, lanes.count, `order(${at}) == bound`)}
  for (var v = low; v < high; v++) {
    let score = ${at};
    let rank = order(score);
    let out = rank < bound || (rank == bound && passed < fitting);
    if (rank == bound) { passed++; }
    y[begin + v] = select(score, ${negativeInf}, p < 1.0 && out);
  }`;
  return { launches: [lineLaunch(shader, lanes, batch, body)] };
};

/** The first id whose running sum of exp(score) exceeds u times the total; lanes sum blocks of ids, then one block is walked. */
export const categoricalKernel: Kernel<"categorical"> = ({ reads, write }, variant) => {
  const vocabulary = reads[0]!.shape[1]!;
  const shader = createShader();
  const lanes = lanesOf(shader, variant.lanes, variant);
  const [scores, us] = reads.map((type, k) => shader.read(k, type));
  bindResult(shader, write);
  const n = shader.size(vocabulary);
  const at = scores!.at("begin + v");
  const { count } = lanes;
  if (count > 1) shader.declare(`var<workgroup> blocks: array<f32, ${count}>;`);
  const walk = `var chosen = 0u;
  for (var v = 0u; v < ${n}; v++) { sum += exp(${at} - top); if (sum > goal) { chosen = v; break; } }
  y[line] = i32(chosen);`;
  const single = `var total = 0.0;
  for (var v = 0u; v < ${n}; v++) { total += exp(${at} - top); }
  let goal = min(${us!.at("line")}, ${1 - 2 ** -23}) * total;
  var sum = 0.0;
  ${walk}`;
  const shared = `let block = (${n} + ${count - 1}u) / ${count}u;
  let low = min(lane * block, ${n});
  let high = min(low + block, ${n});
  var own = 0.0;
  for (var v = low; v < high; v++) { own += exp(${at} - top); }
  blocks[lane] = own;
  workgroupBarrier();
  var before = 0.0;
  for (var k = 0u; k < lane; k++) { before += blocks[k]; }
  var total = before;
  for (var k = lane; k < ${count}u; k++) { total += blocks[k]; }
  let goal = min(${us!.at("line")}, ${1 - 2 ** -23}) * total;
  var found = 0xffffffffu;
  var sum = before;
  for (var v = low; v < high; v++) { sum += exp(${at} - top); if (sum > goal) { found = v; break; } }
  let chosen = ${lanes.join("min_u32", "found")};
  if (lane == 0u) { y[line] = select(i32(chosen), 0, chosen == 0xffffffffu); }`;
  const body = `  let begin = line * ${n};
  var largest = ${scores!.at("begin")};
  for (var v = ${lanes.own}; v < ${n}; v += ${count}u) { largest = max(largest, ${at}); }
  let top = ${lanes.join("max", "largest")};
  ${count === 1 ? single : shared}`;
  return { launches: [lineLaunch(shader, lanes, reads[0]!.shape[0]!, body)] };
};
