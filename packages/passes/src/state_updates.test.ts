import {
  add,
  cacheWrite,
  cumsum,
  mul,
  type Node,
  neg,
  printModule,
  reshape,
  slice,
  tensorType,
  trace,
} from "@fusewire/ir";
import fc from "fast-check";
import { expect, test } from "vitest";
import { toLowered } from "./lowered.ts";
import { schedule } from "./schedule.ts";
import { planUpdates } from "./state_updates.ts";
import { expectProgram, RULES } from "./testing/compare_program.ts";
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
      const { order, overwrites } = planUpdates(lowered.entry, viewOffset);
      expect(new Set(order).size).toBe(order.length);
      expect(order.length).toBe(schedule(lowered).length);
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
