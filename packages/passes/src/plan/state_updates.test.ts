import {
  add,
  cacheWrite,
  cumsum,
  exp,
  mul,
  type Node,
  neg,
  printModule,
  reduceSum,
  reshape,
  rootsOf,
  slice,
  sliceAxis,
  sub,
  type Tracer,
  tensorType,
  topological,
  trace,
} from "@fusewire/ir";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { MemoryRules } from "../engine/engine.ts";
import { toLowered } from "../engine/lowered.ts";
import { expectProgram, RULES } from "../testing/compare_program.ts";
import { scratchBytes } from "./program.ts";
import { planUpdates } from "./state_updates.ts";
import { baseOf, viewsAligned } from "./views.ts";

const STATES = ["a", "b", "c"];
const TENSOR = tensorType("f32", [1, 4, 1]);

const arbitraryPlan = fc.record({
  nodes: fc.array(fc.record({ op: fc.nat(5), x: fc.nat(30), y: fc.nat(30) }), { maxLength: 14 }),
  /** For each state the node that becomes its value, or none. */
  writes: fc.array(fc.option(fc.nat(30)), { minLength: STATES.length, maxLength: STATES.length }),
  outputs: fc.array(fc.nat(30), { minLength: 1, maxLength: 3 }),
});
type Plan = typeof arbitraryPlan extends fc.Arbitrary<infer T> ? T : never;

/** Small tensors that states, views of states and in-place ops pass around in every way, sense or not. */
function build({ nodes, writes, outputs }: Plan) {
  const module = trace({
    main: (t) => {
      const vectors = ["rows", "at", "count"].map((name) => t.input(name, tensorType("i32", [1])));
      const [rows, at, count] = vectors as [Node, Node, Node];
      const pool = [...STATES.map((name) => t.state(name, TENSOR)), t.input("x", TENSOR)];
      const pick = (k: number): Node => pool[k % pool.length]!;
      for (const { op, x, y } of nodes) {
        const half = slice(pick(y), [0, y % 3, 0], [1, 2, 1]);
        const made = [
          () => neg(pick(x)),
          () => mul(add(pick(x), pick(y)), 0.5),
          () => mul(cumsum(pick(x), 1), 0.25),
          () => reshape(reshape(pick(x), [2, 2]), [1, 4, 1]),
          () => cacheWrite(pick(x), rows, at, count, pick(y), 1),
          () => cacheWrite(pick(x), rows, at, count, half, 1),
        ];
        pool.push(made[op]!());
      }
      for (const [k, node] of writes.entries()) if (node !== null) t.write(STATES[k]!, pick(node));
      return Object.fromEntries(outputs.map((node, k) => [`out${k}`, pick(node)]));
    },
  });
  return Object.defineProperty(toLowered(module), fc.toStringMethod, {
    value: () => `\n${printModule(module)}`,
  });
}

test.each(RULES)(
  "whatever states, views and in-place ops do, programs mean what the graph means: %o",
  (rules) => {
    fc.assert(
      fc.property(arbitraryPlan.map(build), fc.nat(), (lowered, seed) => {
        expectProgram(lowered, rules, seed);
      }),
      { numRuns: 300 },
    );
  },
);

test("orders hold every node once, inputs first, readers of an old value before its overwriter", () => {
  let overwritten = 0;
  fc.assert(
    fc.property(arbitraryPlan.map(build), (lowered) => {
      const viewOffset = viewsAligned(4);
      const { order, overwrites } = planUpdates(lowered.entry, viewOffset, RULES[0]!);
      expect(new Set(order).size).toBe(order.length);
      expect(order.length).toBe(topological(rootsOf(lowered.entry)).length);
      const at = new Map(order.map((node, k) => [node, k]));
      for (const node of order)
        for (const input of node.inputs) expect(at.get(input)).toBeLessThan(at.get(node)!);
      overwritten += overwrites.size;
      // A view reads nothing by itself; whoever reads it reads the memory that it shows.
      const reads = (node: Node, old: Node) =>
        viewOffset(node) === undefined && node.inputs.some((input) => baseOf(input, viewOffset) === old);
      for (const [link, name] of overwrites)
        for (const old of order.filter((node) => node.op === "state" && node.attrs.name === name))
          for (const reader of order.filter((node) => node !== link && reads(node, old)))
            if (link.inputs[0] === old) expect(at.get(reader)).toBeLessThan(at.get(link)!);
    }),
    { numRuns: 300 },
  );
  // The property means something only where updates without a copy occur.
  expect(overwritten).toBeGreaterThan(100);
});

/** A cache as a state, and what writes one slot of it. */
function cacheIn({ state, input, write }: Tracer, name: string) {
  const old = state(name, tensorType("f32", [2, 4]));
  const index = (leaf: string) => input(leaf, tensorType("i32", [1]));
  const put = (values: Node, cache = old) => {
    const next = cacheWrite(cache, index("rows"), index("at"), index("count"), values, 1);
    write(name, next);
    return next;
  };
  return { old, put };
}

const one = (t: Tracer) => t.input("values", tensorType("f32", [1, 1]));
/** One number of the shape that `put` takes. */
const sum = (x: Node) => sliceAxis(reduceSum(x), 0, 0, 1);
const VECTOR = tensorType("f32", [2]);

/** The copies that the states of an entry cost, of programs that were seen to do what the entry means. */
function copiesOf(main: (t: Tracer) => Record<string, Node>, rules: MemoryRules = IN_STEP): string[] {
  const lowered = toLowered(trace({ main }));
  const { copies } = expectProgram(lowered, rules, 1);
  return copies.map(({ state, what, why }) => `the ${what} of ${state}: ${why}`);
}

const [IN_STEP, APART] = [true, false].map((readWriteSameBuffer) => ({
  alignment: 4,
  readWriteSameBuffer,
})) as [MemoryRules, MemoryRules];

describe("a cache that is written in place", () => {
  test.each<[string, (t: Tracer) => Record<string, Node>, string[]]>([
    [
      "may be read before",
      (t) => {
        const cache = cacheIn(t, "cache");
        return { before: exp(cache.old), after: neg(cache.put(one(t))) };
      },
      [],
    ],
    [
      "may be read by what computes the values",
      (t) => {
        const cache = cacheIn(t, "cache");
        return { after: cache.put(sum(cache.old)) };
      },
      [],
    ],
    [
      "may wait for another one that does not wait for it",
      (t) => {
        const [a, b] = [cacheIn(t, "a"), cacheIn(t, "b")];
        const next = b.put(sum(a.old));
        return { x: add(a.old, next), y: a.put(sum(next)) };
      },
      [],
    ],
    [
      "is copied where the old value is read with the new one",
      (t) => {
        const cache = cacheIn(t, "cache");
        return { both: add(reshape(cache.old, [8]), reshape(cache.put(one(t)), [8])) };
      },
      [
        "the new value of cache: the old value is read after it is made",
        "the value of cache: cache_write works on a copy",
      ],
    ],
    [
      "is copied where another one waits for it that it waits for: one of the two",
      (t) => {
        const [a, b] = [cacheIn(t, "a"), cacheIn(t, "b")];
        const [nextA, nextB] = [a.put(one(t)), b.put(one(t))];
        return { x: add(a.old, nextB), y: add(b.old, nextA) };
      },
      [
        "the new value of b: the old value is read after it is made",
        "the value of b: cache_write works on a copy",
      ],
    ],
    [
      "goes before a small state that it contradicts",
      (t) => {
        const small = t.state("small", tensorType("f32", [2, 1]));
        const cache = cacheIn(t, "cache");
        t.write("small", reduceSum(cache.old));
        cache.put(sliceAxis(small, 0, 0, 1));
        return {};
      },
      ["the new value of small: the old value is read after it is made"],
    ],
    [
      "is saved where its old value is an output, or that of another state",
      (t) => {
        const cache = cacheIn(t, "cache");
        t.state("before", tensorType("f32", [2, 4]));
        t.write("before", cache.old);
        cache.put(one(t));
        return { old: reshape(cache.old, [8]) };
      },
      ["the old value of cache: 'old' keeps it", "the new value of before: no step computes it"],
    ],
    [
      "is copied where it is written twice and kept in between",
      (t) => {
        const cache = cacheIn(t, "cache");
        const middle = cacheWrite(
          cache.old,
          ...(["rows", "at", "count"].map((name) => t.input(name, tensorType("i32", [1]))) as [
            Node,
            Node,
            Node,
          ]),
          one(t),
          1,
        );
        cache.put(neg(one(t)), middle);
        return { middle };
      },
      [
        "the new value of cache: a value on the way to it is kept",
        "the value of cache: cache_write works on a copy",
      ],
    ],
  ])("%s", (_what, main, copies) => {
    expect(copiesOf(main)).toEqual(copies);
  });

  test("is copied where it writes a part of itself, which is a view of it", () => {
    const itself = (t: Tracer) => {
      const cache = cacheIn(t, "cache");
      return { next: cache.put(slice(cache.old, [0, 0], [1, 1])) };
    };
    expect(copiesOf(itself)).toEqual([
      "the new value of cache: cache_write reads what it would overwrite",
      "the value of cache: cache_write works on a copy",
    ]);
    // Where such a view cannot be bound, it is a step of its own.
    const apart = (t: Tracer) => {
      const cache = cacheIn(t, "cache");
      return { next: cache.put(slice(cache.old, [0, 1], [1, 1])) };
    };
    expect(copiesOf(apart, { alignment: 256, readWriteSameBuffer: true })).toEqual([]);
  });
});

describe("an elementwise update, such as a step of gradient descent", () => {
  const WEIGHTS = ["a", "b", "c", "d"];
  const BYTES = 4 * 1024;
  const descent = (t: Tracer) => {
    for (const name of WEIGHTS) {
      const weight = t.state(name, tensorType("f32", [1024]));
      t.write(name, sub(weight, mul(exp(weight), t.input("rate", tensorType("f32", [])))));
    }
    return {};
  };

  test("overwrites the state where a buffer may be read and written at once", () => {
    expect(copiesOf(descent)).toEqual([]);
    expect(scratchBytes(expectProgram(toLowered(trace({ main: descent })), IN_STEP, 1))).toBe(BYTES);
  });

  test("is copied elsewhere, and no weight waits for the last one", () => {
    expect(copiesOf(descent, APART)).toEqual(
      WEIGHTS.map((name) => `the new value of ${name}: sub reads what it would overwrite`),
    );
    expect(scratchBytes(expectProgram(toLowered(trace({ main: descent })), APART, 1))).toBe(2 * BYTES);
  });

  test("is copied where the state is broadcast, or read in another shape", () => {
    const outer = (t: Tracer) => {
      const row = t.state("s", tensorType("f32", [2, 2]));
      t.write("s", add(row, reshape(slice(row, [1, 0], [1, 2]), [2])));
      return {};
    };
    expect(copiesOf(outer)).toEqual(["the new value of s: add reads what it would overwrite"]);
  });

  test("is copied where the old value is read with the new one", () => {
    const both = (t: Tracer) => {
      const old = t.state("s", VECTOR);
      const next = add(old, 1);
      t.write("s", next);
      return { both: mul(old, next) };
    };
    expect(copiesOf(both)).toEqual(["the new value of s: the old value is read after it is made"]);
  });
});
