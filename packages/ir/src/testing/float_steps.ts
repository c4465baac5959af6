/** Steps over float values: elementwise, products and the composites of a layer. */
import type { Node } from "../node.ts";
import * as ops from "../ops/index.ts";
import type { Item, Sketch } from "./sketch.ts";

export type Step = (sketch: Sketch) => void;

const ACTIVATIONS = ["none", "silu", "relu", "gelu_tanh"] as const;
const SCALARS = [0, 1, -1, 2, 0.5, -0.25] as const;

/** A step that turns one float value into another, given the bound of the result. */
const unary =
  (build: (x: Node) => Node, bound: (x: number) => number, exact = false): Step =>
  (sketch) => {
    const x = sketch.floats();
    if (x) sketch.add(build(x.node), { exact: exact && x.exact, bound: bound(x.bound) });
  };

const binary =
  (build: (x: Node, y: Node) => Node, bound: (x: number, y: number) => number, exact = false): Step =>
  (sketch) => {
    const x = sketch.floats();
    if (!x) return;
    const y = sketch.partner(x);
    const [a, b] = sketch.choose(2) === 0 ? [x, y] : [y, x];
    sketch.add(build(a.node, b.node), {
      exact: exact && a.exact && b.exact,
      bound: bound(a.bound, b.bound),
    });
  };

/** x² + c > 0, where log, roots and quotients are smooth. */
const positive = (x: Node, c: number): Node => ops.add(ops.mul(x, x), c);

const sum = (a: number, b: number): number => a + b;
const product = (a: number, b: number): number => a * b;

const lastSize = (x: Item): number => x.node.type.shape.at(-1) ?? 1;

/** Steps over values with at least two axes: products with a weight. */
const projection =
  (build: (x: Item, sketch: Sketch) => Node[], bound: (x: Item) => number): Step =>
  (sketch) => {
    const x = sketch.pick(({ node }) => node.type.dtype === "f32" && node.type.shape.length >= 2);
    if (x) for (const node of build(x, sketch)) sketch.add(node, { exact: false, bound: bound(x) });
  };

const size = (sketch: Sketch): number => 1 + sketch.choose(5);
const dot = (x: Item): number => x.bound * 1.5 * lastSize(x);

export const FLOAT_STEPS: readonly Step[] = [
  unary(ops.neg, (x) => x, true),
  unary(ops.tanh, () => 1),
  unary(ops.silu, (x) => Math.max(x, 0.3)),
  unary(ops.geluTanh, (x) => Math.max(x, 0.3)),
  unary(ops.relu, (x) => x, true),
  unary(
    (x) => ops.exp(ops.tanh(x)),
    () => Math.E,
  ),
  unary(
    (x) => ops.log(positive(x, 0.5)),
    (x) => 1 + Math.log(x * x + 1),
  ),
  unary(
    (x) => ops.sqrt(positive(x, 0.25)),
    (x) => x + 1,
  ),
  unary(
    (x) => ops.rsqrt(positive(x, 0.25)),
    () => 2,
  ),
  binary(ops.add, sum),
  binary(ops.sub, sum),
  binary(ops.mul, product),
  binary(ops.max, Math.max, true),
  binary(ops.min, Math.max, true),
  binary(
    (x, y) => ops.div(x, positive(y, 0.5)),
    (x) => 2 * x,
  ),
  (sketch) => {
    const x = sketch.floats();
    const c = sketch.oneOf(SCALARS);
    if (!x) return;
    const [node, bound, exact] = sketch.oneOf([
      [ops.div(x.node, c || 1), x.bound * 4, false],
      [ops.mul(x.node, c), x.bound * 2, false],
      [ops.add(c, x.node), x.bound + 2, false],
      [ops.max(x.node, c), x.bound + 2, x.exact],
    ]);
    sketch.add(node, { exact, bound });
  },
  (sketch) => {
    const x = sketch.floats();
    if (!x) return;
    const y = sketch.partner(x);
    const body = ["mul $0 $0", "add %0 $1", "silu %1", "lt $1 0.5", "where %3 %2 $0"];
    if (y.exact)
      sketch.add(ops.fusedElementwise([x.node, y.node], body), {
        exact: false,
        bound: x.bound ** 2 + y.bound,
      });
  },
  unary(
    (x) => (x.type.shape.length > 0 ? ops.softmax(x) : x),
    (x) => Math.max(x, 1),
  ),
  (sketch) => {
    const x = sketch.pick(({ node }) => node.type.dtype === "f32" && node.type.shape.length > 0);
    if (!x) return;
    const n = lastSize(x);
    const [weight, bias] = [sketch.param([n]), sketch.param([n], "f32", "bias")];
    // A larger epsilon than models use: rounding in a line of near-zeros stays small.
    const eps = sketch.oneOf([0.5, 0.01]);
    const node = sketch.oneOf([
      () => ops.rmsNorm(x.node, weight, eps),
      () => ops.plainRmsNorm(x.node, weight, eps),
      () => ops.layerNorm(x.node, weight, bias, eps),
      () => ops.plainLayerNorm(x.node, weight, bias, eps),
    ])();
    sketch.add(node, { exact: false, bound: 1.5 * Math.sqrt(n) + 1.5 });
  },
  projection((x, s) => [ops.matmul(x.node, s.param([size(s), lastSize(x)]), { transposeB: true })], dot),
  projection((x, s) => [ops.matmul(x.node, s.param([lastSize(x), size(s)]))], dot),
  projection(
    (x) => [ops.matmul(x.node, x.node, { transposeB: true })],
    (x) => x.bound ** 2 * lastSize(x),
  ),
  // Three weights on one input, as in attention and in a gated MLP.
  projection(
    (x, s) =>
      ["q", "k", "v"].map((hint) => {
        const weight = s.param([2 * size(s), lastSize(x)], "f32", hint);
        return ops.matmul(x.node, weight, { transposeB: true });
      }),
    dot,
  ),
  // A stored weight of fewer bits.
  projection((x, s) => {
    const weight = s.param([size(s), lastSize(x)], s.oneOf(["f16", "bf16"]));
    return [ops.matmul(x.node, ops.cast(weight, "f32"), { transposeB: true })];
  }, dot),
  projection((x, s) => {
    const n = size(s);
    const scaled = ops.mul(
      ops.cast(s.param([n, lastSize(x)], "i8"), "f32"),
      ops.mul(s.param([n, 1]), 1 / 64),
    );
    return [ops.matmul(x.node, scaled, { transposeB: true })];
  }, dot),
  projection(
    (x, s) => {
      const n = size(s);
      const bias = s.choose(2) === 0 ? { bias: s.param([n]) } : {};
      const residual = s.choose(2) === 0 ? { residual: s.param([...x.node.type.shape.slice(0, -1), n]) } : {};
      const activation = s.oneOf(ACTIVATIONS);
      return [ops.linear(x.node, s.param([n, lastSize(x)]), { activation, ...bias, ...residual })];
    },
    (x) => dot(x) + 3,
  ),
  projection(
    (x, s) => {
      const n = size(s);
      const bias = s.choose(2) === 0 ? s.param([2 * n]) : undefined;
      return [ops.gatedLinear(x.node, s.param([2 * n, lastSize(x)]), s.oneOf(ACTIVATIONS), bias)];
    },
    (x) => (dot(x) + 1.5) ** 2,
  ),
  projection(
    (x, s) => {
      const n = size(s);
      const k = lastSize(x);
      const shift = s.choose(2) === 0 ? s.param([k]) : undefined;
      const gated = s.choose(2) === 0;
      const norm = { gain: s.param([k]), shift, eps: 0.5 };
      const weight = s.param([gated ? 2 * n : n, k], s.oneOf(["f32", "bf16"]));
      return [ops.dense(x.node, { weight, activation: s.oneOf(ACTIVATIONS), gated }, norm)];
    },
    (x) => (1.5 * lastSize(x) * 3 + 1.5) ** 2,
  ),
];
