import type { Launch } from "./launch.ts";
import { GROUP_NUMBER, gridOf, type Shader } from "./shader.ts";
import { foldNeighbours } from "./shuffles.ts";

/** Threads of a workgroup in which each works on a line of its own. */
const APART = 64;

/** Joins what the threads on one line found, each by a fixed tree, so that the order never depends on the device. */
export interface Lanes {
  /** How many threads share a line. */
  readonly count: number;
  /** How many neighbours of them join by shuffles; what is left joins in workgroup memory. */
  readonly neighbours: number;
  /** The number of the thread on its line, as an expression. */
  readonly own: string;
  /** An expression for the values of all lanes folded together, the same in every lane; must stand at top level. */
  join(fold: Fold, value: string): string;
  /** Makes what lanes wrote to memory visible to the other lanes of the line. */
  readonly barrier: string;
}

export type Fold = "sum" | "max" | "sum_u32" | "sum_i32" | "max_i32" | "min_u32";

const FOLDS: Readonly<
  Record<Fold, { readonly type: string; readonly fold: (a: string, b: string) => string }>
> = {
  sum: { type: "f32", fold: (a, b) => `${a} + ${b}` },
  max: { type: "f32", fold: (a, b) => `max(${a}, ${b})` },
  sum_u32: { type: "u32", fold: (a, b) => `${a} + ${b}` },
  sum_i32: { type: "i32", fold: (a, b) => `${a} + ${b}` },
  max_i32: { type: "i32", fold: (a, b) => `max(${a}, ${b})` },
  min_u32: { type: "u32", fold: (a, b) => `min(${a}, ${b})` },
};

export function lanesOf(shader: Shader, count: number, { shuffles }: { readonly shuffles: number }): Lanes {
  const neighbours = Math.min(shuffles, count);
  if (count === 1) return { count, neighbours, own: "0u", join: (_fold, value) => value, barrier: "" };
  return {
    count,
    neighbours,
    own: "lane",
    barrier: "storageBarrier();\n  workgroupBarrier();",
    join(fold, value) {
      const { type, fold: apply } = FOLDS[fold];
      const memory = `shared_${type}`;
      const parts = count / neighbours;
      shader.declare(`var<workgroup> ${memory}: array<${type}, ${parts}>;`);
      const shared = foldNeighbours(shader, neighbours, { name: fold, type, fold: apply }, "value");
      // workgroupUniformLoad ends with a barrier, so no thread writes its next value before all have read this one.
      shader.declare(`fn join_${fold}(lane: u32, value: ${type}) -> ${type} {
  ${storePart(neighbours, `${memory}[lane`, shared)}
  workgroupBarrier();
  for (var half = ${parts >> 1}u; half > 0u; half >>= 1u) {
    if (lane < half) { ${memory}[lane] = ${apply(`${memory}[lane]`, `${memory}[lane + half]`)}; }
    workgroupBarrier();
  }
  return workgroupUniformLoad(&${memory}[0]);
}`);
      return `join_${fold}(lane, ${value})`;
    },
  };
}

/**
 * Statements that store what each `neighbours` lanes share, once for all of them: `place` is an element up to the number
 * of the lane, which becomes that of the part.
 */
export const storePart = (neighbours: number, place: string, shared: string): string =>
  neighbours === 1
    ? `${place}] = ${shared};`
    : `{ let folded = ${shared}; if (lane % ${neighbours}u == 0u) { ${place} / ${neighbours}u] = folded; } }`;

/** A launch with one thread a line, or with one workgroup of `lanes.count` threads; `body` finds its `line`. */
export function lineLaunch(shader: Shader, lanes: Lanes, lines: number, body: string): Launch {
  const count = shader.size(lines);
  const apart = lanes.count === 1;
  const line = apart ? `${GROUP_NUMBER} * ${APART}u + lane` : GROUP_NUMBER;
  return shader.launch({
    workgroup: apart ? APART : lanes.count,
    groups: gridOf(apart ? Math.ceil(lines / APART) : lines),
    body: `  let line = ${line};\n  if (line >= ${count}) { return; }\n${body}`,
  });
}

/** Lanes that share a line of so many vectors: no more than there are vectors in it, and at least a subgroup's worth. */
export function lanesFor(most: number, vectors: number): number {
  let lanes = most;
  while (lanes > 32 && lanes / 2 >= vectors) lanes /= 2;
  return lanes;
}
