/** For tests alone: shapes to try kernels on. */
import type { Shape } from "@fusewire/ir";
import type { Engine } from "@fusewire/passes";
import { setBackend } from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { beforeAll, describe } from "vitest";

export const arbitraryShape = ({ minRank = 0, maxRank = 4, max = 5 } = {}): fc.Arbitrary<Shape> =>
  fc.array(fc.integer({ min: 1, max }), { minLength: minRank, maxLength: maxRank });

/** A shape, and one that broadcasts to it: leading axes left out, others of size 1. */
export const arbitraryBroadcast = (options?: Parameters<typeof arbitraryShape>[0]) =>
  arbitraryShape(options).chain((shape) =>
    fc
      .tuple(fc.nat(shape.length), fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }))
      .map(([left, ones]) => [shape, shape.slice(left).map((d, k) => (ones[k] ? 1 : d))] as const),
  );

/** Runs a property on random shapes and a seed for the values. */
export const check = <T>(
  shapes: fc.Arbitrary<T>,
  property: (shape: T, seed: number) => Promise<void>,
  numRuns = 20,
): Promise<void> => fc.assert(fc.asyncProperty(shapes, fc.nat(2 ** 31), property), { numRuns });

/** Describes tests once for each backend that comes with Fusewire. */
export function onEachBackend(
  create: (backend: string) => Promise<Engine>,
  tests: (engine: () => Engine) => void,
): void {
  describe.each(["cpu", "wasm"] as const)("eager:%s", (backend) => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await create(backend);
      // Every use would switch to the engine's backend and back, which takes longer than these small runs.
      await setBackend(backend);
    });
    tests(() => engine);
  });
}
