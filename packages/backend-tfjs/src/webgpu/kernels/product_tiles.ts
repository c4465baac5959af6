/**
 * Products of a chunk of a prompt: a workgroup computes a tile of rows and columns, each thread a smaller one in
 * registers, and rows of both matrices pass through workgroup memory 16 elements at a time (the classical blocked
 * product; Volkov & Demmel 2008). Each element is one sum upwards over k, so that its bits depend neither on how many
 * rows there are nor on the tile.
 */
import type { Launch } from "../wgsl/launch.ts";
import { createShader, GROUP_NUMBER, gridOf } from "../wgsl/shader.ts";
import { readVectors } from "../wgsl/vectors.ts";
import { declareFinish, type Product, productSizes, range } from "./product_frame.ts";

/** Threads of a workgroup across and down. */
const SIDE = 8;
/** Columns that a thread computes. */
const COLUMNS = 4;
/** Vectors of 4 elements of each row that lie in workgroup memory at once. */
const DEPTH = 4;

/** Whether a product is cut into tiles; those that normalise by themselves and rows of odd lengths go by lines. */
export const takesTiles = ({ types, weight, norm }: Product): boolean =>
  norm === undefined && types[weight]!.shape[1]! % 4 === 0;

/** Rows that a thread computes: fewer where there are only few. */
const rowsOf = (rows: number): number => (rows <= 8 ? 1 : rows <= 16 ? 2 : rows <= 32 ? 4 : 8);

export function productTiles(product: Product): Launch {
  const { types, gated } = product;
  const matrix = types[product.weight]!;
  const { k, n, rows } = productSizes(product, matrix);
  const own = rowsOf(rows);
  const [high, wide] = [own * SIDE, COLUMNS * SIDE];
  // Of a gated product the first half of a tile's columns is gates, the other the same columns of up.
  const columns = gated ? wide / 2 : wide;
  const vectors = k / 4;
  const shader = createShader();
  const x = readVectors(shader, 0, types[0]!, 4);
  const weight = readVectors(shader, product.weight, matrix, 4);
  declareFinish(product, shader, `${n}u`, matrix);
  const count = shader.size(rows);
  shader.declare(`var<workgroup> left: array<vec4f, ${DEPTH * (high + 1)}>;`);
  shader.declare(`var<workgroup> right: array<vec4f, ${DEPTH * (wide + 1)}>;`);
  const whole = vectors % DEPTH === 0;
  /** Copies a part of rows into workgroup memory, zeros beyond their end; one vector of padding spreads the banks. */
  const fill = (name: string, size: number, from: string): string =>
    `    for (var e = lane; e < ${size * DEPTH}u; e += ${SIDE * SIDE}u) {
      let line = e / ${DEPTH}u;
      let k = at + e % ${DEPTH}u;
      let value = ${from};
      ${name}[e % ${DEPTH}u * ${size + 1}u + line] = ${whole ? "value" : `select(vec4f(), value, k < ${vectors}u)`};
    }`;
  const inside = whole ? "k" : `min(k, ${vectors - 1}u)`;
  const column = gated
    ? `min(column + line % ${columns}u, ${n - 1}u) + line / ${columns}u * ${n}u`
    : `min(column + line, ${n - 1}u)`;
  const body = [
    `  let column = ${GROUP_NUMBER} * ${columns}u;`,
    `  if (column >= ${n}u) { return; }`,
    `  let row = group.z * ${high}u;`,
    `  let across = lane % ${SIDE}u;`,
    `  let down = lane / ${SIDE}u;`,
    ...range(own * COLUMNS).map((s) => `  var s${s} = 0.0;`),
    `  for (var at = 0u; at < ${vectors}u; at += ${DEPTH}u) {`,
    fill("left", high, x.at(`min(row + line, ${count} - 1u) * ${vectors}u + ${inside}`)),
    fill("right", wide, weight.at(`(${column}) * ${vectors}u + ${inside}`)),
    "    workgroupBarrier();",
    `    for (var k = 0u; k < ${DEPTH}u; k++) {`,
    ...range(own).map((r) => `      let v${r} = left[k * ${high + 1}u + down + ${r * SIDE}u];`),
    ...range(COLUMNS).map((c) => `      let m${c} = right[k * ${wide + 1}u + across + ${c * SIDE}u];`),
    ...range(own * COLUMNS).map((s) => {
      const [v, m] = [`v${Math.floor(s / COLUMNS)}`, `m${s % COLUMNS}`];
      return `      s${s} = fma(${v}.w, ${m}.w, fma(${v}.z, ${m}.z, fma(${v}.y, ${m}.y, fma(${v}.x, ${m}.x, s${s}))));`;
    }),
    "    }",
    "    workgroupBarrier();",
    "  }",
    ...range(own).flatMap((r) =>
      range(columns / SIDE).map((c) => {
        const [at, to] = [`row + down + ${r * SIDE}u`, `column + across + ${c * SIDE}u`];
        const sum = r * COLUMNS + c;
        const other = gated ? `s${sum + columns / SIDE}` : "0.0";
        return `  if (${at} < ${count} && ${to} < ${n}u) { finish(${at}, ${to}, s${sum}, ${other}); }`;
      }),
    ),
  ].join("\n");
  const [gx, gy] = gridOf(Math.ceil(n / columns));
  return shader.launch({ workgroup: SIDE * SIDE, groups: [gx, gy, Math.ceil(rows / high)], body });
}
