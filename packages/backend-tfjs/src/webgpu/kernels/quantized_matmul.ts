/**
 * Products of rows and a matrix that are both small integers. Of each group one exact integer sum is scaled, and the
 * groups' terms are added one after another: lanes compute terms side by side, and one adds them up in order, so that
 * every cut gives the interpreter's bits.
 */
import { FusewireError, type OpAttrs } from "@fusewire/ir";
import { declareDot4 } from "../wgsl/integers.ts";
import type { Launch, Step } from "../wgsl/launch.ts";
import { lanesFor } from "../wgsl/lines.ts";
import { createShader, GROUP_NUMBER, gridOf, type Shader } from "../wgsl/shader.ts";
import type { Kernel, Variant } from "./kernel.ts";
import { declareFinish, productSizes, range } from "./product_frame.ts";

/** Columns that one workgroup of lanes computes. */
const COLUMNS = 4;
const APART = 64;
/** Lanes at most: their terms of all rows and columns share the 16 KB of workgroup memory that every device has. */
const LANES = 64;

type QuantizedStep = Step<OpAttrs["quantized_matmul"]>;

export const quantizedMatmulKernel: Kernel<"quantized_matmul"> = (step, variant) => ({
  launches: [quantizedLaunch(step, variant)],
});

const tileOf = (rows: number): number => (rows <= 1 ? 1 : rows <= 2 ? 2 : rows <= 4 ? 4 : 8);

function quantizedLaunch(step: QuantizedStep, variant: Variant): Launch {
  const { reads, attrs } = step;
  const { bias, residual, activation, gated } = attrs;
  const { group } = attrs.layout;
  if (group % 8 !== 0)
    throw new FusewireError(`WebGPU multiplies groups of a multiple of 8 integers, not ${group}`);
  const epilogue = {
    types: reads,
    bias: bias ? 4 : undefined,
    residual: residual ? reads.length - 1 : undefined,
    activation,
    gated,
  };
  const { k, n, rows } = productSizes(epilogue, reads[2]!);
  const groups = k / group;
  const lanes = variant.lanes === 1 ? 1 : lanesFor(Math.min(LANES, variant.lanes), groups);
  const apart = lanes === 1;
  const columns = apart ? 1 : gated ? COLUMNS / 2 : COLUMNS;
  const tile = tileOf(rows);
  const perRow = columns * (gated ? 2 : 1);
  const shader = createShader();
  const [N, count, G] = [apart ? shader.size(n) : `${n}u`, shader.size(rows), `${groups}u`];
  const terms = writeTerms(step, shader, variant, { tile, perRow });
  declareFinish(epilogue, shader, N, reads[2]!);
  const sums = range(tile * perRow);
  const start = [
    `  let column = ${apart ? `${GROUP_NUMBER} * ${APART}u + lane` : `${GROUP_NUMBER} * ${columns}u`};`,
    `  if (column >= ${N}) { return; }`,
    `  let row = group.z * ${tile}u;`,
    ...range(tile).map((r) => `  let r${r} = min(row + ${r}u, ${count} - 1u) * ${G};`),
    ...range(perRow).map((c) => {
      const [at, half] = [`min(column + ${c % columns}u, ${N} - 1u)`, c >= columns ? ` + ${N}` : ""];
      return `  let w${c} = (${at}${half}) * ${G};`;
    }),
  ];
  const body = apart
    ? [
        ...start,
        ...sums.map((s) => `  var s${s} = 0.0;`),
        `  for (var g = 0u; g < ${G}; g++) {`,
        terms,
        ...sums.map((s) => `    s${s} += t${s};`),
        "  }",
        ...range(tile).map((r) => {
          const [own, other] = [`s${r * perRow}`, gated ? `s${r * perRow + 1}` : "0.0"];
          return `  if (row + ${r}u < ${count}) { finish(row + ${r}u, column, ${own}, ${other}); }`;
        }),
      ]
    : [
        ...start,
        "  var sum = 0.0;",
        `  for (var at = 0u; at < ${G}; at += ${lanes}u) {`,
        `    let g = min(at + lane, ${groups - 1}u);`,
        terms,
        ...sums.map((s) => `    terms[${s * (lanes + 1)}u + lane] = t${s};`),
        "    workgroupBarrier();",
        `    if (lane < ${sums.length}u) {`,
        `      for (var k = 0u; k < min(${lanes}u, ${G} - at); k++) { sum += terms[lane * ${lanes + 1}u + k]; }`,
        "    }",
        "    workgroupBarrier();",
        "  }",
        "  terms[lane] = sum;",
        "  workgroupBarrier();",
        `  let own_row = row + lane / ${columns}u;`,
        `  let own_column = column + lane % ${columns}u;`,
        `  if (lane < ${tile * columns}u && own_row < ${count} && own_column < ${N}) {`,
        `    let at = lane / ${columns}u * ${perRow}u + lane % ${columns}u;`,
        `    finish(own_row, own_column, terms[at], ${gated ? `terms[at + ${columns}u]` : "0.0"});`,
        "  }",
      ];
  if (!apart) shader.declare(`var<workgroup> terms: array<f32, ${sums.length * (lanes + 1)}>;`);
  const [gx, gy] = gridOf(Math.ceil(n / (apart ? APART : columns)));
  return shader.launch({
    workgroup: apart ? APART : lanes,
    groups: [gx, gy, Math.ceil(rows / tile)],
    body: body.join("\n"),
  });
}

/** Statements that compute the terms t0, t1, … of group g: those of the first row and all columns, then of the next. */
function writeTerms(
  {
    reads,
    attrs: {
      layout: { group, bits },
    },
  }: QuantizedStep,
  shader: Shader,
  { dot4 }: Variant,
  { tile, perRow }: { readonly tile: number; readonly perRow: number },
): string {
  const nibbles = reads[2]!.packed === "nibbles";
  if (bits === 4 && !nibbles)
    throw new FusewireError("integers of 4 bits are packed while loading; leave hoist_prepare on");
  declareDot4(shader, dot4);
  // Words come by fours where a group is a multiple of 32.
  const width = group % 32 === 0 ? 4 : 1;
  const word = width === 4 ? "vec4u" : "u32";
  shader.bind({ kind: "read", index: 0 }, "read", "x0", `array<${word}>`);
  shader.bind({ kind: "read", index: 2 }, "read", "x2", `array<${word}>`);
  const [xScales, scales] = [shader.read(1, reads[1]!), shader.read(3, reads[3]!)];
  // A product plus a number that only the host knows to be 0: compilers cannot join it with the sum into one fma.
  const zero = shader.float(0);
  /** Loads of one row's block: two words of x for a word of nibbles, or for two of bytes. */
  const [xLoads, wLoads] = [2, nibbles ? 1 : 2];
  const blocks = group / (8 * width);
  const loads = (name: string, memory: string, line: string, count: number): string[] =>
    range(count).map(
      (v) => `let ${name}${v} = ${memory}[((${line} + g) * ${blocks}u + block) * ${count}u + ${v}u];`,
    );
  const part = (name: string, at: number): string =>
    width === 4 ? `${name}${Math.floor(at / 4)}[${at % 4}]` : `${name}${at}`;
  const pairs = (x: string, w: string): string =>
    range(2 * width)
      .map((at) => {
        if (!nibbles) return `dot4(${part(x, at)}, ${part(w, at)})`;
        // The high halves of bytes are integers times 16; the low ones are moved there.
        const own = part(w, Math.floor(at / 2));
        return `dot4(${part(x, at)}, ${at % 2 === 0 ? `(${own} << 4u)` : own} & 0xf0f0f0f0u)`;
      })
      .join(" + ");
  const exact = (s: number) => (nibbles ? `(i${s} >> 4u)` : `i${s}`);
  return [
    ...range(tile * perRow).map((s) => `    var i${s} = 0;`),
    `    for (var block = 0u; block < ${blocks}u; block++) {`,
    ...range(perRow).flatMap((c) => loads(`m${c}_`, "x2", `w${c}`, wLoads)),
    ...range(tile).flatMap((r) => [
      ...loads(`v${r}_`, "x0", `r${r}`, xLoads),
      ...range(perRow).map((c) => `i${r * perRow + c} += ${pairs(`v${r}_`, `m${c}_`)};`),
    ]),
    "    }",
    ...range(tile).map((r) => `    let a${r} = ${xScales.at(`r${r} + g`)};`),
    ...range(perRow).map((c) => `    let b${c} = ${scales.at(`w${c} + g`)};`),
    ...range(tile * perRow).map((s) => {
      const step = `fma(b${s % perRow}, a${Math.floor(s / perRow)}, ${zero})`;
      return `    let t${s} = fma(f32(${exact(s)}), ${step}, ${zero});`;
    }),
  ].join("\n");
}
