import fc from "fast-check";
import { expect, test } from "vitest";
import type { DType } from "../dtype.ts";
import { evaluate } from "../interpret.ts";
import { type Layout, limits, rowBytes } from "../layouts/index.ts";
import type { Node } from "../node.ts";
import { NodeTable } from "../table.ts";
import { expandNode, expectClose, randomNumbers } from "../testing/index.ts";
import { type Shape, sizeOf } from "../type.ts";
import * as ops from "./index.ts";
import { OPS } from "./table.ts";

// Many cases a test, on machines that may be busy.

/** What a case draws from: sizes, and tensors of small numbers with ties, now and then with -inf. */
class Draw {
  readonly table = new NodeTable();
  readonly next: () => number;

  constructor(seed: number) {
    this.next = randomNumbers(seed);
  }

  int(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  oneOf<T>(...options: readonly T[]): T {
    return options[this.int(0, options.length - 1)]!;
  }

  shape(minLength: number, maxLength: number): Shape {
    return Array.from({ length: this.int(minLength, maxLength) }, () => this.int(1, 5));
  }

  numbers(dtype: DType, shape: Shape, element: () => number): Node {
    return ops.constant(this.table, Array.from({ length: sizeOf(shape) }, element), dtype, shape);
  }

  /** Small floats, or now and then any. */
  floats(shape: Shape, { infinite = false } = {}): Node {
    if (this.int(0, 3) === 0) return this.wild(shape);
    return this.numbers("f32", shape, () => {
      if (infinite && this.int(0, 2) === 0) return Number.NEGATIVE_INFINITY;
      return this.int(0, 1) === 0 ? this.int(-3, 3) : this.next() * 6 - 3;
    });
  }

  /** Any floats at all. */
  wild(shape: Shape): Node {
    const { NaN: nan, POSITIVE_INFINITY: inf, NEGATIVE_INFINITY: minusInf } = Number;
    const element = () =>
      this.oneOf(0, -0, nan, inf, minusInf, 1e38, -1e38, 1e-40, -1e-40, ...[88, -88, 100, -100]);
    return this.numbers("f32", shape, () => (this.int(0, 1) === 0 ? element() : this.next() * 40 - 20));
  }

  ints(shape: Shape, min: number, max: number): Node {
    return this.numbers("i32", shape, () => this.int(min, max));
  }

  /** Fractions that no sum of few probabilities hits, and the ends: rounding decides nothing. */
  fractions(shape: Shape, ...ends: readonly number[]): Node {
    return this.numbers("f32", shape, () =>
      this.int(0, 2) === 0 ? this.oneOf(0, ...ends) : this.int(1, 96) / 97,
    );
  }
}

const activation = (draw: Draw) => draw.oneOf<ops.Activation>("none", "silu", "relu", "gelu_tanh");

/** A random body over two floats, two integers and a truth value. */
function randomBody(draw: Draw): string[] {
  const known: Record<"f32" | "i32" | "bool", string[]> = {
    f32: ["$0", "$1", "0.5", "-2"],
    i32: ["$2", "$3"],
    bool: ["$4"],
  };
  const body: string[] = [];
  for (let line = draw.int(0, 5); line >= 0; line--) {
    const dtype = draw.oneOf("f32" as const, "i32" as const);
    const operand = (kind: keyof typeof known) => draw.oneOf(...known[kind]);
    const lines: readonly (() => readonly [keyof typeof known, string])[] = [
      () => [dtype, `${draw.oneOf("add", "sub", "mul", "max", "min")} ${operand(dtype)} ${operand(dtype)}`],
      () => ["f32", `${draw.oneOf("exp", "log", "sqrt", "rsqrt", "tanh", "relu")} ${operand("f32")}`],
      () => ["f32", `div ${operand("f32")} ${operand("f32")}`],
      () => [dtype, `neg ${operand(dtype)}`],
      () => ["bool", `${draw.oneOf("eq", "lt", "le")} ${operand(dtype)} ${operand(dtype)}`],
      () => ["bool", `${draw.oneOf("and", "or")} ${operand("bool")} ${operand("bool")}`],
      () => ["bool", `not ${operand("bool")}`],
      () => [dtype, `where ${operand("bool")} ${operand(dtype)} ${operand(dtype)}`],
    ];
    const [result, text] = draw.oneOf(...lines)();
    known[result].push(`%${body.length}`);
    body.push(text);
  }
  return body;
}

/** The last element of each row made `value`. */
const withLast = (x: Node, value: number): Node => {
  const last = ops.eq(ops.iota(x.table, x.type.shape[1]!), x.type.shape[1]! - 1);
  return ops.where(last, value, x);
};

const CASES: Readonly<Record<string, (draw: Draw) => Node>> = {
  softmax: (draw) => ops.softmax(draw.floats(draw.shape(1, 3), { infinite: draw.int(0, 1) === 1 })),
  silu: (draw) => ops.silu(draw.wild(draw.shape(0, 3))),
  relu: (draw) => ops.relu(draw.wild(draw.shape(0, 3))),
  gelu_tanh: (draw) => ops.geluTanh(draw.wild(draw.shape(0, 3))),
  rms_norm: (draw) => {
    const shape = draw.shape(1, 3);
    return ops.rmsNorm(draw.floats(shape), draw.floats(shape.slice(-1)), draw.oneOf(1e-6, 1e-5, 0.5));
  },
  layer_norm: (draw) => {
    const shape = draw.shape(1, 3);
    const [weight, bias] = [draw.floats(shape.slice(-1)), draw.floats(shape.slice(-1))];
    return ops.layerNorm(draw.floats(shape), weight, bias, draw.oneOf(1e-5, 0.5));
  },
  rotary: (draw) => {
    const [b, h, t, half] = [draw.int(1, 2), draw.int(1, 3), draw.int(1, 3), draw.int(1, 3)];
    return ops.rotary(draw.floats([b, h, t, 2 * half]), draw.floats([b, t, half]), draw.floats([b, t, half]));
  },
  attention: (draw) => {
    const [b, groups, t, slots, d, dv] = [
      draw.int(1, 2),
      draw.int(1, 2),
      draw.int(1, 3),
      draw.int(1, 5),
      draw.int(1, 3),
      draw.int(1, 3),
    ];
    const cacheRows = draw.int(1, 3);
    const q = draw.floats([b, groups * draw.int(1, 3), t, d]);
    const dtype = draw.oneOf("f32", "f16", "i8");
    const store = (width: number) => {
      const shape = [cacheRows, groups, slots, width];
      return dtype === "i8"
        ? draw.numbers("i8", shape, () => draw.int(-127, 127))
        : draw.numbers(dtype, shape, () => draw.int(-8, 8) / 4);
    };
    const [keys, values] = [store(d), store(dv)];
    const scales = [keys, values].map(() =>
      draw.numbers("f32", [cacheRows, groups, slots, 1], () => draw.int(0, 4) / 128),
    );
    const ring = draw.int(0, 1) === 1;
    const newest = draw.int(0, 3 * slots);
    // Runs of a ring lie within its latest keys, the newest of which some query sees.
    const [lo, hi] = ring
      ? [
          draw.ints([b, t], newest - slots + 1, newest + 1),
          withLast(draw.ints([b, t], newest - slots, newest), newest),
        ]
      : [draw.ints([b, t], -2, slots + 1), draw.ints([b, t], -2, slots + 1)];
    const attrs = {
      scale: draw.oneOf(0.5, 1, -1),
      softcap: draw.oneOf(0, 2),
      ring,
      scales: dtype === "i8" ? scales : [],
    };
    return ops.attention(q, keys, values, draw.ints([b], -1, cacheRows), lo, hi, attrs);
  },
  linear: (draw) => {
    const shape = draw.shape(2, 4);
    const n = draw.int(1, 5);
    const bias = draw.int(0, 1) ? { bias: draw.floats([n]) } : {};
    const residual = draw.int(0, 1) ? { residual: draw.floats([...shape.slice(0, -1), n]) } : {};
    const weight = draw.floats([n, shape.at(-1)!]);
    return ops.linear(draw.floats(shape), weight, { activation: activation(draw), ...bias, ...residual });
  },
  gated_linear: (draw) => {
    const shape = draw.shape(2, 4);
    const n = draw.int(1, 5);
    const bias = draw.int(0, 1) ? draw.floats([2 * n]) : undefined;
    return ops.gatedLinear(draw.floats(shape), draw.floats([2 * n, shape.at(-1)!]), activation(draw), bias);
  },
  dense: (draw) => {
    const shape = draw.shape(2, 3);
    const [k, n] = [shape.at(-1)!, 2 * draw.int(1, 4)];
    const gated = draw.int(0, 1) === 1;
    const maybe = (make: () => Node) => (draw.int(0, 1) ? make() : undefined);
    const weight = draw.numbers(draw.oneOf("f32", "f16", "bf16"), [n, k], () => draw.int(-8, 8) / 4);
    const bias = maybe(() => draw.floats([n]));
    const residual = gated ? undefined : maybe(() => draw.floats([...shape.slice(0, -1), n]));
    const shift = maybe(() => draw.floats([k]));
    const norm =
      draw.int(0, 2) === 0 ? undefined : { gain: draw.floats([k]), shift, eps: draw.oneOf(1e-2, 0.5) };
    return ops.dense(
      draw.floats(shape),
      { weight, bias, residual, activation: activation(draw), gated },
      norm,
    );
  },
  append_heads: (draw) => {
    const [b, groups, t, half, slots] = [
      draw.int(1, 2),
      draw.int(1, 2),
      draw.int(1, 3),
      draw.int(1, 2),
      draw.int(3, 5),
    ];
    const start = draw.int(0, 3);
    const x = draw.floats([b, t, start + groups * 2 * half + draw.int(0, 2)]);
    const angles = draw.int(0, 1) ? { cos: draw.floats([b, t, half]), sin: draw.floats([b, t, half]) } : {};
    const cache = ops.cast(draw.floats([b + 1, groups, slots, 2 * half]), draw.int(0, 1) ? "f16" : "f32");
    const rows = draw.numbers("i32", [b], () => 0);
    const distinct = b === 1 ? rows : ops.iota(draw.table, b);
    const [at, count] = [draw.ints([b], -1, slots), draw.ints([b], 0, t)];
    return ops.appendHeads(cache, distinct, at, count, x, start, { ring: draw.int(0, 1) === 1, ...angles });
  },
  dequantize: (draw) => {
    const layout = randomLayout(draw);
    const [rows, groups] = [draw.int(1, 3), draw.int(1, 4)];
    const width = groups * layout.group;
    const [low, high] = limits(layout);
    const codes =
      layout.packing === "bytes"
        ? draw.numbers(layout.range === "unsigned" ? "u8" : "i8", [rows, width], () => draw.int(low, high))
        : draw.numbers("u8", [rows, rowBytes(layout, width)], () => draw.int(0, 255));
    const zeros =
      layout.zeros === "float"
        ? draw.floats([rows, groups])
        : draw.numbers(layout.range === "unsigned" ? "u8" : "i8", [rows, groups], () => draw.int(0, 127));
    return ops.dequantize(codes, draw.floats([rows, groups]), layout, {
      zeros: layout.zeros === "none" ? undefined : zeros,
      // Places outside the row are clamped, as `gather` does.
      order: layout.permuted ? draw.ints([width], -1, width) : undefined,
    });
  },
  fused_elementwise: (draw) => {
    const shape = draw.shape(0, 3);
    const narrow = () => shape.slice(draw.int(0, shape.length)).map((size) => draw.oneOf(1, size));
    const floats = [draw.floats(narrow(), { infinite: true }), draw.floats(narrow())];
    const ints = [draw.ints(narrow(), -(2 ** 31), 2 ** 31 - 1), draw.ints(shape, -(2 ** 31), 2 ** 31 - 1)];
    const truth = draw.numbers("bool", narrow(), () => draw.int(0, 1));
    return ops.fusedElementwise([...floats, ...ints, truth], randomBody(draw));
  },
  top_k: (draw) => {
    const [b, v] = [draw.int(1, 3), draw.int(1, 9)];
    return ops.topK(draw.floats([b, v], { infinite: true }), draw.ints([b], -1, v + 2), draw.int(1, v + 2));
  },
  top_p: (draw) => {
    const [b, v] = [draw.int(1, 3), draw.int(1, 9)];
    const p = draw.fractions([b], 1, 1.5, -0.5);
    return ops.topP(draw.floats([b, v], { infinite: true }), p, draw.int(1, v + 2));
  },
  categorical: (draw) => {
    const [b, v] = [draw.int(1, 3), draw.int(1, 9)];
    return ops.categorical(draw.floats([b, v], { infinite: true }), draw.fractions([b], 1 - 2 ** -24, 1));
  },
};

/** Any layout, with or without a codebook. */
function randomLayout(draw: Draw): Layout {
  const bits = draw.int(2, 8);
  const range = draw.oneOf("signed", "symmetric", "unsigned");
  const book = range === "unsigned" && draw.int(0, 1) === 1;
  return {
    ...{ bits, range, packing: draw.oneOf("bytes", "low", "high"), group: draw.int(1, 9) },
    ...{ zeros: draw.oneOf("none", "integer", "float"), permuted: draw.int(0, 1) === 1 },
    ...(book && { codebook: Array.from({ length: 2 ** bits }, () => draw.int(-999, 999) / 7) }),
  };
}

test("every composite has a case here", () => {
  const composites = Object.values(OPS).filter((def) => def.expand);
  expect(composites.map((def) => def.name).sort()).toEqual(Object.keys(CASES).sort());
});

test.each(Object.entries(CASES))("%s means what its expansion means, to the bit", (name, make) => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const node = make(new Draw(seed));
      expect(node.op).toBe(name);
      const expanded = expandNode(node);
      expect(expanded).not.toBe(node);
      expectClose(evaluate([node], {}).get(node)!, evaluate([expanded], {}).get(expanded)!, 0, name);
    }),
    // A smaller seed is no simpler.
    { numRuns: 250, endOnFailure: true },
  );
});
