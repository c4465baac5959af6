/**
 * Products of few rows with a stored matrix: each element of the matrix is read once for up to 8 rows. Several lanes
 * share the sum of a column and join in a fixed tree; the order depends on the matrix alone, never on how many rows
 * there are, so that a row's result is the same to the bit beside any others.
 */
import type { Launch } from "../wgsl/launch.ts";
import { type Lanes, lanesFor, lanesOf, storePart } from "../wgsl/lines.ts";
import { createShader, GROUP_NUMBER, gridOf, type Shader } from "../wgsl/shader.ts";
import { foldNeighbours } from "../wgsl/shuffles.ts";
import { readVectors, sumOf, type VectorSource, vectorType, vectorWidth } from "../wgsl/vectors.ts";
import type { Variant } from "./kernel.ts";
import { declareFinish, type Product, productSizes, range } from "./product_frame.ts";

/** Columns that one workgroup of lanes computes: as many independent loads are under way at once. */
const COLUMNS = 4;
const APART = 64;

/** Rows computed at once: the next power of two, up to 8. */
const tileOf = (rows: number): number => (rows <= 1 ? 1 : rows <= 2 ? 2 : rows <= 4 ? 4 : 8);

export function productLines(product: Product, variant: Variant): Launch {
  const { types, gated } = product;
  const { k, n, rows } = productSizes(product, types[product.weight]!);
  const width = vectorWidth(k);
  const count = lanesFor(variant.lanes, k / width);
  const apart = count === 1;
  const columns = apart ? 1 : gated ? COLUMNS / 2 : COLUMNS;
  const shader = createShader();
  const body = writeProduct(product, {
    shader,
    lanes: lanesOf(shader, count, variant),
    width,
    tile: tileOf(rows),
    columns,
    k: shader.size(k),
    vectors: apart ? shader.size(k / width) : `${k / width}u`,
    n: apart ? shader.size(n) : `${n}u`,
    rows: shader.size(rows),
  });
  const [gx, gy] = gridOf(Math.ceil(n / (apart ? APART : columns)));
  return shader.launch({
    workgroup: apart ? APART : count,
    groups: [gx, gy, Math.ceil(rows / tileOf(rows))],
    body,
  });
}

/** All that the code of a product is written from. */
interface Frame {
  readonly shader: Shader;
  readonly lanes: Lanes;
  readonly width: 1 | 4;
  readonly tile: number;
  readonly columns: number;
  /** Set by the host as in norms that stand alone: compilers divide by a constant in another way. */
  readonly k: string;
  readonly vectors: string;
  readonly n: string;
  readonly rows: string;
}

function writeProduct(product: Product, frame: Frame): string {
  const { shader, lanes, width, tile, columns, vectors, n, rows } = frame;
  const x = readVectors(shader, 0, product.types[0]!, width);
  const norm = writeNorm(product, frame, x);
  const weight = readVectors(shader, product.weight, product.types[product.weight]!, width);
  declareFinish(product, shader, n, product.types[product.weight]!);
  const halves = product.gated ? 2 : 1;
  const perRow = columns * halves;
  const sums = range(tile * perRow);
  const first = lanes.count === 1 ? `${GROUP_NUMBER} * ${APART}u + lane` : `${GROUP_NUMBER} * ${columns}u`;
  const lines = [
    `  let column = ${first};`,
    `  if (column >= ${n}) { return; }`,
    `  let row = group.z * ${tile}u;`,
    ...range(tile).map((r) => `  let r${r} = min(row + ${r}u, ${rows} - 1u) * ${vectors};`),
    ...range(columns).flatMap((c) =>
      range(halves).map((h) => {
        const at = `min(column + ${c}u, ${n} - 1u)${h === 1 ? ` + ${n}` : ""}`;
        return `  let w${c * halves + h} = (${at}) * ${vectors};`;
      }),
    ),
    norm.before,
    ...sums.map((s) => `  var s${s} = ${vectorType(width)}();`),
    `  for (var k = ${lanes.own}; k < ${vectors}; k += ${lanes.count}u) {`,
    norm.inside,
    ...range(tile).map((r) => `    let v${r} = ${norm.apply(x.at(`r${r} + k`), r)};`),
    ...range(perRow).map((c) => `    let m${c} = ${weight.at(`w${c} + k`)};`),
    ...sums.map((s) => `    s${s} = fma(v${Math.floor(s / perRow)}, m${s % perRow}, s${s});`),
    "  }",
  ];
  const total = (s: number): string => sumOf(`s${s}`, width);
  if (lanes.count === 1) {
    for (const r of range(tile)) {
      const [a, b] = [total(r * perRow), halves === 2 ? total(r * perRow + 1) : "0.0"];
      lines.push(`  if (row + ${r}u < ${rows}) { finish(row + ${r}u, column, ${a}, ${b}); }`);
    }
    return lines.join("\n");
  }
  lines.push(
    ...joinAll(frame, sums.map(total)),
    `  let own_row = row + lane / ${columns}u;`,
    `  let own_column = column + lane % ${columns}u;`,
    `  if (lane < ${tile * columns}u && own_row < ${rows} && own_column < ${n}) {`,
    `    let at = (lane / ${columns}u * ${perRow}u + lane % ${columns}u * ${halves}u) * ${partsOf(lanes)}u;`,
    `    finish(own_row, own_column, parts[at], ${halves === 2 ? `parts[at + ${partsOf(lanes)}u]` : "0.0"});`,
    "  }",
  );
  return lines.join("\n");
}

/** How many sums of neighbouring lanes there are of each value. */
const partsOf = ({ count, neighbours }: Lanes): number => count / neighbours;

const SUM = { name: "sum", type: "f32", fold: (a: string, b: string) => `${a} + ${b}` } as const;

/** Statements that leave the sum over all lanes of value s in parts[s * partsOf], by one tree for all values. */
function joinAll({ shader, lanes, tile }: Frame, values: readonly string[]): string[] {
  const count = partsOf(lanes);
  shader.declare(`var<workgroup> parts: array<f32, ${tile * COLUMNS * count}>;`);
  shader.declare(`fn join_parts(lane: u32, values: u32) {
  workgroupBarrier();
  for (var half = ${count >> 1}u; half > 0u; half >>= 1u) {
    if (lane < half) {
      for (var s = 0u; s < values; s++) { parts[s * ${count}u + lane] += parts[s * ${count}u + lane + half]; }
    }
    workgroupBarrier();
  }
}`);
  return [
    ...values.map((value, s) => {
      const shared = foldNeighbours(shader, lanes.neighbours, SUM, value);
      return `  ${storePart(lanes.neighbours, `parts[${s * count}u + lane`, shared)}`;
    }),
    `  join_parts(lane, ${values.length}u);`,
  ];
}

/** Statements that put the sum over all lanes of each value into a name, the same in every lane. */
function joinedAs(frame: Frame, name: string, values: readonly string[]): string[] {
  const { count } = frame.lanes;
  if (count === 1) return values.map((value, r) => `  let ${name}${r} = ${value};`);
  return [
    ...joinAll(frame, values),
    ...values.map((_, r) => `  let ${name}${r} = parts[${r * partsOf(frame.lanes)}u];`),
    // Nobody may overwrite the sums before all have read them.
    "  workgroupBarrier();",
  ];
}

interface NormCode {
  /** Finds each row's scale, and mean, before the product. */
  readonly before: string;
  /** Loads what all rows share, inside the product's loop. */
  readonly inside: string;
  readonly apply: (x: string, row: number) => string;
}

function writeNorm({ types, norm }: Product, frame: Frame, x: VectorSource): NormCode {
  if (!norm) return { before: "", inside: "", apply: (value) => value };
  const { shader, lanes, width, tile, k, vectors } = frame;
  const eps = shader.float(norm.eps);
  const gain = readVectors(shader, 1, types[1]!, width);
  const shift = norm.kind === "layer" ? readVectors(shader, 2, types[2]!, width) : undefined;
  const loop = `for (var k = ${lanes.own}; k < ${vectors}; k += ${lanes.count}u)`;
  const type = vectorType(width);
  const centred = (r: number) => (shift ? `${x.at(`r${r} + k`)} - mean${r}` : x.at(`r${r} + k`));
  const each = (write: (r: number) => string) => range(tile).map(write);
  const sums = (name: string) => each((r) => sumOf(`${name}${r}`, width));
  const means = shift
    ? [
        ...each((r) => `  var t${r} = ${type}();\n  ${loop} { t${r} += ${x.at(`r${r} + k`)}; }`),
        ...joinedAs(frame, "total", sums("t")),
        ...each((r) => `  let mean${r} = total${r} / f32(${k});`),
      ]
    : [];
  const before = [
    ...means,
    ...each(
      (r) =>
        `  var q${r} = ${type}();\n  ${loop} { let value = ${centred(r)}; q${r} = fma(value, value, q${r}); }`,
    ),
    ...joinedAs(frame, "squares", sums("q")),
    ...each((r) => `  let scale${r} = 1.0 / sqrt(squares${r} / f32(${k}) + ${eps});`),
  ];
  return {
    before: before.join("\n"),
    inside: `    let gain = ${gain.at("k")};${shift ? `\n    let shift = ${shift.at("k")};` : ""}`,
    apply: (value, r) =>
      shift ? `fma((${value} - mean${r}) * scale${r}, gain, shift)` : `${value} * scale${r} * gain`,
  };
}
