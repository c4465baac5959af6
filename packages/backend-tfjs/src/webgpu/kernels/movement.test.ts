import * as ir from "@fusewire/ir";
import fc from "fast-check";
import { test } from "vitest";
import { arbitraryShape, check } from "../../testing/arbitrary.ts";
import { expectOutputs } from "../../testing/outputs.ts";
import { onEachVariant } from "../../testing/webgpu.ts";

const cuts = arbitraryShape({ minRank: 1, maxRank: 4 }).chain((shape) =>
  fc.record({
    shape: fc.constant(shape),
    perm: fc.shuffledSubarray([...shape.keys()], { minLength: shape.length }),
    axis: fc.nat(shape.length - 1),
    from: fc.array(fc.nat(999), { minLength: 4, maxLength: 4 }),
    size: fc.array(fc.nat(999), { minLength: 4, maxLength: 4 }),
    parts: fc.constantFrom(1, 2, 9),
  }),
);

onEachVariant(
  (engine) => {
    test.each(["f32", "i32", "bf16", "i8", "bool"] as const)("%s moves bit for bit", (dtype) =>
      check(
        cuts,
        ({ shape, perm, axis, from, size, parts }, seed) =>
          expectOutputs(
            engine(),
            (t) => {
              const x = t.param("x", ir.tensorType(dtype, shape));
              const starts = shape.map((d, k) => from[k]! % d);
              const sizes = shape.map((d, k) => 1 + (size[k]! % (d - starts[k]!)));
              const some = ir.slice(x, starts, sizes);
              const others = Array.from({ length: parts }, (_, k) =>
                t.param(
                  `x${k}`,
                  ir.tensorType(
                    dtype,
                    shape.map((d, j) => (j === axis ? 1 + ((d + k) % 3) : d)),
                  ),
                ),
              );
              return {
                transpose: ir.transpose(x, perm),
                slice: some,
                broadcast: ir.broadcastTo(ir.sliceAxis(x, axis, 0, 1), [2, ...shape]),
                concat: ir.concat([x, ...others], axis),
                gather: ir.gather(x, t.input("index", ir.tensorType("i32", [3])), 0),
                perRow: ir.gather(
                  x,
                  t.input("each", ir.tensorType("i32", [...shape.slice(0, axis), 2])),
                  axis,
                ),
              };
            },
            seed,
          ),
        4,
      ),
    );
  },
  ["a thread a line"],
);
