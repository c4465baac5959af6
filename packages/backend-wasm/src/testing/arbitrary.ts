/** For tests alone: shapes to try kernels on, and engines to try. */
import type { Shape } from "@fusewire/ir";
import type { Engine } from "@fusewire/passes";
import fc from "fast-check";
import { afterAll, beforeAll, describe } from "vitest";
import { createWasmEngine, type WasmOptions } from "../engine.ts";

export const arbitraryShape = ({ minRank = 0, maxRank = 4, max = 7 } = {}): fc.Arbitrary<Shape> =>
  fc.array(fc.integer({ min: 1, max }), { minLength: minRank, maxLength: maxRank });

/** A shape, and one that broadcasts to it: leading axes left out, others of size 1. */
export const arbitraryBroadcast = (options?: Parameters<typeof arbitraryShape>[0]) =>
  arbitraryShape(options).chain((shape) =>
    fc
      .tuple(fc.nat(shape.length), fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }))
      .map(([left, ones]) => [shape, shape.slice(left).map((d, k) => (ones[k] ? 1 : d))] as const),
  );

/** A size such as models have, or one that leaves every tail. */
export const size = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max });

/** Runs a property on random shapes and a seed for the values. */
export const check = <T>(
  shapes: fc.Arbitrary<T>,
  property: (shape: T, seed: number) => Promise<void>,
  numRuns = 40,
): Promise<void> => fc.assert(fc.asyncProperty(shapes, fc.nat(2 ** 31), property), { numRuns });

const ENGINES: Readonly<Record<string, WasmOptions>> = {
  plain: { relaxed: false, threads: 1 },
  relaxed: { threads: 1 },
};

/** Describes tests once with and once without relaxed SIMD. */
export function onEachVariant(tests: (engine: () => Engine) => void): void {
  describe.each(Object.keys(ENGINES))("wasm, %s", (name) => {
    let engine: Engine;
    // A checkout compiles its kernels when they are first asked for.
    beforeAll(async () => {
      engine = await createWasmEngine(ENGINES[name]);
    });
    afterAll(() => engine.dispose());
    tests(() => engine);
  });
}
