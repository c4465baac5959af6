import {
  attention,
  type DenseNorm,
  dense,
  gatedLinear,
  groupScales,
  integers as integerLayout,
  linear,
  matmul,
  type Node,
  quantizedMatmul,
  quantizeRows,
  sliceAxis,
  type Tracer,
  tensorType,
} from "@fusewire/ir";
import { counted, f32, integers, type SelfTestCases, stored } from "./case.ts";

/** More vectors of four than half a workgroup of 128 threads, so that all of them have a part. */
const K = 288;
const N = 72;
/** Not a multiple of any tile. */
const CHUNK = 70;

type Dtype = "f32" | "f16" | "bf16";

const weightOf = (t: Tracer, dtype: Dtype, rows: number): Node =>
  t.param(`weight ${dtype} ${rows}`, tensorType(dtype, [rows, K]));

/** A product of x: [rows, K] as in a gated feed-forward layer; chunks are normalised before it. */
function gated(t: Tracer, rows: number, dtype: Dtype, norm?: DenseNorm): Node {
  const weight = weightOf(t, dtype, 2 * N);
  return dense(f32(t, "x", rows, K), { weight, activation: "silu", gated: true }, norm);
}

const normed = (t: Tracer, rows: number, dtype: Dtype): Node =>
  gated(t, rows, dtype, { gain: f32(t, "gain", K), eps: 1e-5 });

/** A product with all that is added to one. */
function shifted(t: Tracer, rows: number, norm?: DenseNorm): Node {
  const [weight, bias] = [weightOf(t, "f16", N), f32(t, "bias", N)];
  const residual = f32(t, "residual", rows, N);
  return dense(f32(t, "x", rows, K), { weight, bias, residual, activation: "gelu_tanh", gated: false }, norm);
}

const shiftedAndNormed = (t: Tracer, rows: number): Node =>
  shifted(t, rows, { gain: f32(t, "gain", K), shift: f32(t, "shift", K), eps: 1e-5 });

function quantized(t: Tracer, rows: number, bits: number): Node {
  const group = 32;
  const coded = (x: Node, width: number) => {
    const layout = integerLayout(width, group);
    const scales = groupScales(x, layout);
    return [quantizeRows(x, scales, layout), scales] as const;
  };
  // Rows have 7 bits, as fuse_dequantize gives them: relaxed SIMD multiplies no more.
  const x = coded(f32(t, "x", rows, K), 7);
  const weight = coded(weightOf(t, "f32", N), bits);
  return quantizedMatmul(...x, ...weight, { layout: integerLayout(bits, group) });
}

/** Attention of rows that see 3..100, 3..101 and so on: one row's tokens, or a batch of rows with a token each. */
function attend(t: Tracer, batch: number, length: number, dtype: "f32" | "f16" | "i8"): Node {
  const cache = (name: string) => stored(t, dtype, name, batch, 2, 160, 32);
  const scales =
    dtype === "i8" ? ["keys", "values"].map((name) => small(f32(t, `${name} scales`, batch, 2, 160, 2))) : [];
  const runs = batch * length;
  return attention(
    f32(t, "q", batch, 6, length, 32),
    cache("keys"),
    cache("values"),
    integers(
      t,
      counted(batch, (b) => b),
    ),
    integers(
      t,
      counted(runs, () => 3),
      [batch, length],
    ),
    integers(
      t,
      counted(runs, (k) => 100 + k),
      [batch, length],
    ),
    { scale: dtype === "i8" ? 0.002 : 0.2, softcap: 5, scales },
  );
}

/** f32[…, 1] of f32[…, 2]. */
const small = (x: Node): Node => sliceAxis(x, -1, 0, 1);

export const PRODUCT_CASES: SelfTestCases = {
  "product, f32 weights": (t) => normed(t, 3, "f32"),
  "product, bf16 weights": (t) => normed(t, 5, "bf16"),
  "product, f16 weights, with all else": (t) => shiftedAndNormed(t, 5),
  "product of a chunk, f32 weights": { rows: "chunk", build: (t) => gated(t, CHUNK, "f32") },
  "product of a short chunk, f16 weights, with all else": { rows: "chunk", build: (t) => shifted(t, 16) },
  "product of a short chunk, bf16 weights": { rows: "chunk", build: (t) => gated(t, 8, "bf16") },
  "product, weights of 8 bits": (t) => quantized(t, 3, 8),
  "product, weights of 4 bits": (t) => quantized(t, 3, 4),
  linear: (t) => linear(f32(t, "x", 3, K), weightOf(t, "f32", N), { bias: f32(t, "bias", N) }),
  gated_linear: (t) => gatedLinear(f32(t, "x", 3, K), weightOf(t, "f32", 2 * N), "silu"),
  matmul: (t) => matmul(f32(t, "x", 2, 5, K), f32(t, "w", 2, K, 9)),
  "attention, one token": (t) => attend(t, 1, 1, "f32"),
  "attention, a chunk": { rows: "chunk", build: (t) => attend(t, 1, 40, "f32") },
  "attention, keys of 16 bits": (t) => attend(t, 2, 1, "f16"),
  "attention, keys of 8 bits": (t) => attend(t, 2, 1, "i8"),
};

/** Expressions over any number of rows, the first axis: each row must have the bits that it has alone. */
export const ROW_CASES: Readonly<Record<string, (t: Tracer, rows: number) => Node>> = {
  "rows of a product, bf16 weights": (t, rows) => normed(t, rows, "bf16"),
  "rows of a product, with all else": shiftedAndNormed,
  "rows of a product, weights of 8 bits": (t, rows) => quantized(t, rows, 8),
  "rows of attention": (t, rows) => attend(t, rows, 1, "f32"),
};
