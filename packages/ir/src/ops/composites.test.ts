import fc from "fast-check";
import { expect, test } from "vitest";
import type { DType } from "../dtype.ts";
import { evaluate } from "../interpret.ts";
import type { Node } from "../node.ts";
import { NodeTable } from "../table.ts";
import { expandNode, expectClose } from "../testing/index.ts";
import { type Shape, sizeOf } from "../type.ts";
import * as ops from "./index.ts";
import { OPS } from "./table.ts";

/** What a case draws from: sizes, and tensors of small numbers with ties, now and then with -inf. */
class Draw {
  readonly table = new NodeTable();
  readonly #gen: fc.GeneratorValue;

  constructor(gen: fc.GeneratorValue) {
    this.#gen = gen;
  }

  int(min: number, max: number): number {
    return this.#gen(fc.integer, { min, max });
  }

  oneOf<T>(...options: readonly T[]): T {
    return options[this.int(0, options.length - 1)]!;
  }

  shape(minLength: number, maxLength: number): Shape {
    return this.#gen(fc.array<number>, fc.integer({ min: 1, max: 5 }), { minLength, maxLength });
  }

  numbers(dtype: DType, shape: Shape, element: fc.Arbitrary<number>): Node {
    const [minLength, maxLength] = [sizeOf(shape), sizeOf(shape)];
    const numbers = this.#gen(fc.array<number>, element, { minLength, maxLength });
    return ops.constant(this.table, numbers, dtype, shape);
  }

  floats(shape: Shape, { infinite = false } = {}): Node {
    const plain = fc.oneof(fc.double({ min: -3, max: 3, noNaN: true }), fc.integer({ min: -3, max: 3 }));
    const minusInfinity = fc.constant(Number.NEGATIVE_INFINITY);
    return this.numbers("f32", shape, infinite ? fc.oneof(plain, minusInfinity) : plain);
  }

  ints(shape: Shape, min: number, max: number): Node {
    return this.numbers("i32", shape, fc.integer({ min, max }));
  }

  /** Fractions that no sum of few probabilities hits, and the ends: rounding decides nothing. */
  fractions(shape: Shape, ...more: readonly number[]): Node {
    return this.numbers(
      "f32",
      shape,
      fc.oneof(
        fc.integer({ min: 1, max: 96 }).map((n) => n / 97),
        fc.constantFrom(0, ...more),
      ),
    );
  }
}

interface Case {
  readonly make: (draw: Draw) => Node;
  readonly tolerance: number;
}

const activation = (draw: Draw) => draw.oneOf("none" as const, "silu" as const);

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
      () => ["f32", `${draw.oneOf("exp", "log", "sqrt", "rsqrt", "tanh")} ${operand("f32")}`],
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

const CASES: Readonly<Record<string, Case>> = {
  softmax: {
    make: (draw) => ops.softmax(draw.floats(draw.shape(1, 3), { infinite: draw.int(0, 1) === 1 })),
    tolerance: 1e-6,
  },
  silu: { make: (draw) => ops.silu(draw.numbers("f32", draw.shape(0, 3), fc.float())), tolerance: 1e-6 },
  rms_norm: {
    make: (draw) => {
      const shape = draw.shape(1, 3);
      return ops.rmsNorm(draw.floats(shape), draw.floats(shape.slice(-1)), draw.oneOf(1e-6, 1e-5, 0.5));
    },
    tolerance: 1e-5,
  },
  rotary: {
    make: (draw) => {
      const [b, h, t, half] = [draw.int(1, 2), draw.int(1, 3), draw.int(1, 3), draw.int(1, 3)];
      return ops.rotary(
        draw.floats([b, h, t, 2 * half]),
        draw.floats([b, t, half]),
        draw.floats([b, t, half]),
      );
    },
    tolerance: 1e-6,
  },
  attention: {
    make: (draw) => {
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
      const keys = draw.floats([cacheRows, groups, slots, d]);
      const values = draw.floats([cacheRows, groups, slots, dv]);
      const [lo, hi] = [draw.ints([b, t], -2, slots + 1), draw.ints([b, t], -2, slots + 1)];
      const attrs = { scale: draw.oneOf(0.5, 1, -1), softcap: draw.oneOf(0, 2) };
      return ops.attention(q, keys, values, draw.ints([b], -1, cacheRows), lo, hi, attrs);
    },
    tolerance: 1e-5,
  },
  linear: {
    make: (draw) => {
      const shape = draw.shape(2, 4);
      const n = draw.int(1, 5);
      const bias = draw.int(0, 1) ? { bias: draw.floats([n]) } : {};
      const residual = draw.int(0, 1) ? { residual: draw.floats([...shape.slice(0, -1), n]) } : {};
      const weight = draw.floats([n, shape.at(-1)!]);
      return ops.linear(draw.floats(shape), weight, { activation: activation(draw), ...bias, ...residual });
    },
    tolerance: 1e-5,
  },
  gated_linear: {
    make: (draw) => {
      const shape = draw.shape(2, 4);
      const n = draw.int(1, 5);
      const bias = draw.int(0, 1) ? draw.floats([2 * n]) : undefined;
      return ops.gatedLinear(draw.floats(shape), draw.floats([2 * n, shape.at(-1)!]), activation(draw), bias);
    },
    tolerance: 1e-5,
  },
  // Fusing changes no bit, so neither does the expansion.
  fused_elementwise: {
    make: (draw) => {
      const shape = draw.shape(0, 3);
      const narrow = () => shape.slice(draw.int(0, shape.length)).map((size) => draw.oneOf(1, size));
      const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
      const floats = [draw.floats(narrow(), { infinite: true }), draw.floats(narrow())];
      const ints = [draw.numbers("i32", narrow(), word), draw.numbers("i32", shape, word)];
      const truth = draw.numbers("bool", narrow(), fc.nat(1));
      return ops.fusedElementwise([...floats, ...ints, truth], randomBody(draw));
    },
    tolerance: 0,
  },
  top_k: {
    make: (draw) => {
      const [b, v] = [draw.int(1, 3), draw.int(1, 9)];
      return ops.topK(draw.floats([b, v], { infinite: true }), draw.ints([b], -1, v + 2), draw.int(1, v + 2));
    },
    tolerance: 0,
  },
  top_p: {
    make: (draw) => {
      const [b, v] = [draw.int(1, 3), draw.int(1, 9)];
      const p = draw.fractions([b], 1, 1.5, -0.5);
      return ops.topP(draw.floats([b, v], { infinite: true }), p, draw.int(1, v + 2));
    },
    tolerance: 0,
  },
  categorical: {
    make: (draw) => {
      const [b, v] = [draw.int(1, 3), draw.int(1, 9)];
      return ops.categorical(draw.floats([b, v], { infinite: true }), draw.fractions([b], 1 - 2 ** -24, 1));
    },
    tolerance: 0,
  },
};

test("every composite has a case here", () => {
  const composites = Object.values(OPS).filter((def) => def.expand);
  expect(composites.map((def) => def.name).sort()).toEqual(Object.keys(CASES).sort());
});

test.each(Object.entries(CASES))("%s means what its expansion means", (name, { make, tolerance }) => {
  fc.assert(
    fc.property(fc.gen(), (gen) => {
      const node = make(new Draw(gen));
      expect(node.op).toBe(name);
      const expanded = expandNode(node);
      expect(expanded).not.toBe(node);
      expectClose(evaluate([node], {}).get(node)!, evaluate([expanded], {}).get(expanded)!, tolerance, name);
    }),
    { numRuns: 300 },
  );
});
