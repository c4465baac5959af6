/** Whole random graphs, through all passes and through none, in every variant. */
import { arbitraryModule } from "@fusewire/ir/testing";
import { OPTIONAL_PASSES } from "@fusewire/passes";
import fc from "fast-check";
import { test } from "vitest";
import { expectAgreement } from "../testing/agreement.ts";
import { onEachVariant } from "../testing/webgpu.ts";

// Errors grow from step to step, so the bound is the passes' own.
const tolerance = 1e-4;

onEachVariant((engine) => {
  test.each([
    ["all", []],
    ["no optional", OPTIONAL_PASSES],
  ] as const)(
    "computes what the interpreter does after %s passes",
    async (_which, disable) => {
      await fc.assert(
        fc.asyncProperty(arbitraryModule(), fc.nat(2 ** 31), (module, seed) =>
          expectAgreement(engine(), module, seed, { tolerance, disable }),
        ),
        { numRuns: 12 },
      );
    },
    60_000,
  );
});
