/**
 * Attention by workgroups: keys are cut into pieces of 64 at multiples of 64, a thread a key for the scores, a thread
 * an element for the values; pieces are joined in order (FlashAttention, Dao et al. 2022). Where pieces lie depends on
 * the keys' indices alone, so results do not depend on capacity or on where a prompt was cut. One workgroup serves
 * query heads that share a key head, and for prompts several queries, so that each key is read once for all of them.
 */
import type { Launch, Memory, Plan } from "../wgsl/launch.ts";
import { storePart } from "../wgsl/lines.ts";
import { createShader, GROUP_NUMBER, gridOf, type Shader } from "../wgsl/shader.ts";
import { foldNeighbours } from "../wgsl/shuffles.ts";
import { vectorWidth } from "../wgsl/vectors.ts";
import {
  type AttentionSizes,
  type AttentionStep,
  attentionSizes,
  declareRuns,
  isCoded,
  readEntries,
  runsBytes,
  runsLaunches,
  scoreExpression,
} from "./attention_frame.ts";
import type { Variant } from "./kernel.ts";

const PIECE = 64;
/** Floats of queries that a workgroup keeps in its memory, where the device has as much. */
const SHARED = 2048;
/** Queries of a prompt that one workgroup serves at most. */
const QUERIES = 8;
/**
 * Outside chunks, pieces of up to this many queries a row go to workgroups of their own and are joined by a second
 * launch; so many would leave a GPU with little to do at once.
 */
const FEW = 32;

interface Tile {
  /** Query heads, all on one key head. */
  readonly heads: number;
  readonly queries: number;
  /** Pieces that run side by side; 0 where a workgroup walks them itself. */
  readonly splits: number;
}

/** How many lines, pairs of query and head, one workgroup computes. */
const linesOf = ({ heads, queries }: Tile): number => heads * queries;

export function attentionPieces(step: AttentionStep, variant: Variant): Plan {
  const sizes = attentionSizes(step.reads);
  const tile = tileFor(sizes, step, linesThatFit(sizes, variant));
  const launches = [...runsLaunches(step), piecesLaunch(step, sizes, tile, variant)];
  const scratch = isCoded(step) ? [runsBytes(step)] : [];
  if (tile.splits === 0) return { launches, scratch };
  const { batch, heads, length, dv } = sizes;
  launches.push(joinLaunch(sizes, tile, piecesOf(step)));
  return { launches, scratch: [...scratch, batch * heads * length * tile.splits * (dv + 2) * 4] };
}

/** The scratch memory in which pieces are handed over. */
const piecesOf = (step: AttentionStep) => ({ kind: "scratch", index: isCoded(step) ? 1 : 0 }) as const;

/** Sums of neighbouring lanes that join in workgroup memory. */
const partsOf = ({ shuffles }: Variant): number => PIECE / Math.min(shuffles, PIECE);

/** How many lines' queries, weights and sums, and the bounds of the run, find room in the memory of a workgroup. */
export function linesThatFit({ d }: AttentionSizes, variant: Variant): number {
  // Each variable is counted in multiples of 16 bytes.
  const beside = 4 * 16;
  return Math.floor((variant.memory - beside) / (4 * (d + PIECE + partsOf(variant))));
}

function tileFor(
  { heads, groups, length, d, slots }: AttentionSizes,
  { rows, attrs }: AttentionStep,
  fitting: number,
): Tile {
  const shared = heads / groups;
  const most = Math.min(fitting, Math.max(1, Math.min(16, Math.floor(SHARED / d))));
  let together = Math.min(shared, most);
  while (shared % together !== 0) together--;
  // Pieces that touch a run: one more where a ring begins in the middle of one. A single one needs no second launch.
  const pieces = Math.ceil(slots / PIECE) + (attrs.ring ? 1 : 0);
  if (rows === "few" && length <= FEW)
    return { heads: together, queries: 1, splits: pieces > 1 ? pieces : 0 };
  let queries = 1;
  while (queries < QUERIES && 2 * queries * together <= most) queries *= 2;
  return { heads: together, queries, splits: 0 };
}

function piecesLaunch(step: AttentionStep, sizes: AttentionSizes, tile: Tile, variant: Variant): Launch {
  const { batch, heads, length, d, dv, groups, slots } = sizes;
  const lines = linesOf(tile);
  const shader = createShader();
  const query = shader.read(0, step.reads[0]!);
  const width = vectorWidth(d);
  const key = readEntries(shader, step, 1, width);
  const value = readEntries(shader, step, 2, 1);
  declareRuns(shader, step);
  const split = tile.splits > 0;
  if (split) shader.bind(piecesOf(step), "read_write", "pieces", "array<f32>");
  else shader.bind({ kind: "write" }, "read_write", "y", "array<f32>");
  const [H, T, S, G] = [heads, length, slots, groups].map((n) => shader.size(n));
  const splits = shader.size(Math.max(1, tile.splits));
  const tiles = shader.size(Math.ceil(length / tile.queries));
  const headTiles = heads / tile.heads;
  const HT = shader.size(headTiles);
  const total = batch * headTiles * Math.ceil(length / tile.queries) * Math.max(1, tile.splits);
  const own = Math.ceil(dv / PIECE);
  const parts = partsOf(variant);
  const neighbours = PIECE / parts;
  declareTree(shader, lines, parts);
  /** Leaves what a line's lanes share of a value in the tree. */
  const store = (fold: Fold, value: string) =>
    storePart(
      neighbours,
      `tree[l * ${parts}u + lane`,
      foldNeighbours(shader, neighbours, FOLDS[fold], value),
    );
  shader.declare(`var<workgroup> q: array<f32, ${lines * d}>;`);
  const each = (text: string) => `for (var l = 0u; l < ${lines}u; l++) { ${text} }`;
  const body = `  let work = ${GROUP_NUMBER};
  if (work >= ${shader.size(total)}) { return; }
  let part = work % ${splits};
  let tile = work / ${splits} % ${tiles};
  let b = work / ${splits} / ${tiles} / ${HT};
  let head = work / ${splits} / ${tiles} % ${HT} * ${tile.heads}u;
  let first = (cache_row(b) * ${G} + head * ${G} / ${H}) * ${S};
  // The run of keys of every query in the tile, and from the first to the last of them all.
  var runs: array<vec2i, ${tile.queries}>;
  var all = vec2i(0x7fffffff, -1);
  for (var u = 0u; u < ${tile.queries}u; u++) {
    let t = tile * ${tile.queries}u + u;
    runs[u] = select(vec2i(0, -1), run_of(b, min(t, ${T} - 1u)), t < ${T});
    if (runs[u].x <= runs[u].y) { all = vec2i(min(all.x, runs[u].x), max(all.y, runs[u].y)); }
  }
  for (var e = lane; e < ${lines * d}u; e += ${PIECE}u) {
    let l = e / ${d}u;
    let t = min(tile * ${tile.queries}u + l / ${tile.heads}u, ${T} - 1u);
    q[e] = ${query.at(`((b * ${H} + head + l % ${tile.heads}u) * ${T} + t) * ${d}u + e % ${d}u`)};
  }
  var largest: array<f32, ${lines}>;
  var sums: array<f32, ${lines}>;
  var own: array<f32, ${lines * own}>;
  ${each("largest[l] = -3.4e38; sums[l] = 0.0;")}
  // What all lanes found alike, in a form that the language knows to be the same for all.
  if (lane == 0u) { bounds = select(vec2i(0, -1), all / ${PIECE}, vec2<bool>(all.x <= all.y)); }
  workgroupBarrier();
  let begin = workgroupUniformLoad(&bounds).x;
  ${split ? "let piece = begin + i32(part);\n  if (piece <= workgroupUniformLoad(&bounds).y) {" : "let end = workgroupUniformLoad(&bounds).y;\n  for (var piece = begin; piece <= end; piece++) {"}
    // Arrays are filled anew by what stands there: Dawn clears a variable without a value only once, not in each round.
    let j = piece * ${PIECE} + i32(lane);
    let slot = first + slot_of(u32(j));
    var dots = array<f32, ${lines}>();
    var factor = 1.0;
    if (j >= all.x && j <= all.y) {
      factor = ${key.factor("slot") ?? "1.0"};
      for (var k = 0u; k < ${d}u; k += ${width}u) {
        let element = ${key.at(`(slot * ${d}u + k) / ${width}u`)};
        ${each(products(d, width))}
      }
    }
    for (var l = 0u; l < ${lines}u; l++) {
      let run = runs[l / ${tile.heads}u];
      let dot = dots[l] * factor;
      dots[l] = select(-3.4e38, ${scoreExpression(shader, step.attrs, "dot")}, j >= run.x && j <= run.y);
      ${store("max", "dots[l]")}
    }
    join_max(lane);
    var tops = array<f32, ${lines}>();
    for (var l = 0u; l < ${lines}u; l++) {
      let run = runs[l / ${tile.heads}u];
      tops[l] = tree[l * ${parts}u];
      dots[l] = select(0.0, exp(dots[l] - tops[l]), j >= run.x && j <= run.y);
    }
    workgroupBarrier();
    ${each(`${store("sum", "dots[l]")} weights[l * ${PIECE}u + lane] = dots[l];`)}
    join_sum(lane);
    // The piece joins those before it as pieces of several workgroups are joined, to the bit.
    var shrink = array<f32, ${lines}>();
    var grow = array<f32, ${lines}>();
    for (var l = 0u; l < ${lines}u; l++) {
      let sum = tree[l * ${parts}u];
      let top = select(largest[l], max(largest[l], tops[l]), sum > 0.0);
      shrink[l] = exp(largest[l] - top);
      grow[l] = select(0.0, exp(tops[l] - top), sum > 0.0);
      largest[l] = top;
      sums[l] = fma(sums[l], shrink[l], sum * grow[l]);
    }
    for (var c = 0u; c < ${own}u; c++) {
      let k = c * ${PIECE}u + lane;
      var fresh = array<f32, ${lines}>();
      if (k < ${dv}u) {
        let low = max(all.x, piece * ${PIECE});
        let high = min(all.y, piece * ${PIECE} + ${PIECE - 1});
        for (var i = low; i <= high; i++) {
          let place = first + slot_of(u32(i));
          let element = ${[value.at(`place * ${dv}u + k`), ...(isCoded(step) ? [value.factor("place")] : [])].join(" * ")};
          let w = u32(i - piece * ${PIECE});
          ${each(`fresh[l] = fma(weights[l * ${PIECE}u + w], element, fresh[l]);`)}
        }
      }
      ${each(`own[c * ${lines}u + l] = fma(own[c * ${lines}u + l], shrink[l], fresh[l] * grow[l]);`)}
    }
    workgroupBarrier();
  }
  for (var l = 0u; l < ${lines}u; l++) {
    let t = tile * ${tile.queries}u + l / ${tile.heads}u;
    if (t >= ${T}) { continue; }
    let line = (b * ${H} + head + l % ${tile.heads}u) * ${T} + t;
    ${split ? storePiece(dv, lines, splits) : storeLine(dv, lines)}
  }`;
  shader.declare("var<workgroup> bounds: vec2i;");
  return shader.launch({ workgroup: PIECE, groups: gridOf(total), body });
}

/** Adds the products of some elements of a query and a key to a line's sum, one after another. */
const products = (d: number, width: 1 | 4): string =>
  (width === 4 ? [".x", ".y", ".z", ".w"] : [""])
    .map((part, k) => `dots[l] = fma(q[l * ${d}u + k + ${k}u], element${part}, dots[l]);`)
    .join(" ");

const storeLine = (
  dv: number,
  lines: number,
): string => `let share = select(0.0, 1.0 / sums[l], sums[l] > 0.0);
    for (var c = 0u; c < ${Math.ceil(dv / PIECE)}u; c++) {
      let k = c * ${PIECE}u + lane;
      if (k < ${dv}u) { y[line * ${dv}u + k] = own[c * ${lines}u + l] * share; }
    }`;

/** A piece as it is handed over: its sum of weights, its largest score, its sum of values. */
const storePiece = (
  dv: number,
  lines: number,
  splits: string,
): string => `let to = (line * ${splits} + part) * ${dv + 2}u;
    if (lane == 0u) { pieces[to] = sums[l]; pieces[to + 1u] = largest[l]; }
    for (var c = 0u; c < ${Math.ceil(dv / PIECE)}u; c++) {
      let k = c * ${PIECE}u + lane;
      if (k < ${dv}u) { pieces[to + 2u + k] = own[c * ${lines}u + l]; }
    }`;

type Fold = "max" | "sum";
const FOLDS = {
  max: { name: "max", type: "f32", fold: (a: string, b: string) => `max(${a}, ${b})` },
  sum: { name: "sum", type: "f32", fold: (a: string, b: string) => `${a} + ${b}` },
} as const;

/** Adds what folds each line's parts in `tree` into the first of them, the same for all lanes. */
function declareTree(shader: Shader, lines: number, parts: number): void {
  shader.declare(`var<workgroup> tree: array<f32, ${lines * parts}>;`);
  shader.declare(`var<workgroup> weights: array<f32, ${lines * PIECE}>;`);
  for (const { name, fold } of Object.values(FOLDS))
    shader.declare(`fn join_${name}(lane: u32) {
  workgroupBarrier();
  for (var half = ${parts >> 1}u; half > 0u; half >>= 1u) {
    if (lane < half) {
      for (var l = 0u; l < ${lines * parts}u; l += ${parts}u) {
        tree[l + lane] = ${fold("tree[l + lane]", "tree[l + lane + half]")};
      }
    }
    workgroupBarrier();
  }
}`);
}

/** Joins the pieces of each line in order, a thread an element of the result; an empty piece changes nothing. */
function joinLaunch(sizes: AttentionSizes, tile: Tile, memory: Memory): Launch {
  const { batch, heads, length, dv } = sizes;
  const shader = createShader();
  shader.bind(memory, "read", "pieces", "array<f32>");
  shader.bind({ kind: "write" }, "read_write", "y", "array<f32>");
  const elements = batch * heads * length * dv;
  const total = shader.size(elements);
  const splits = shader.size(tile.splits);
  const body = `  let i = ${GROUP_NUMBER} * 64u + lane;
  if (i >= ${total}) { return; }
  let line = i / ${dv}u * ${splits};
  var largest = -3.4e38;
  var sum = 0.0;
  var own = 0.0;
  for (var s = 0u; s < ${splits}; s++) {
    let at = (line + s) * ${dv + 2}u;
    if (pieces[at] <= 0.0) { continue; }
    let top = max(largest, pieces[at + 1u]);
    let shrink = exp(largest - top);
    let grow = exp(pieces[at + 1u] - top);
    largest = top;
    sum = fma(sum, shrink, pieces[at] * grow);
    own = fma(own, shrink, pieces[at + 2u + i % ${dv}u] * grow);
  }
  let share = select(0.0, 1.0 / sum, sum > 0.0);
  y[i] = own * share;`;
  return shader.launch({ workgroup: 64, groups: gridOf(Math.ceil(elements / 64)), body });
}
