/** Whole random graphs, through all passes and through none. */
import { ALL_OR_NONE, expectRandomAgreement } from "@fusewire/passes/testing";
import { test } from "vitest";
import { onEachVariant } from "./testing/arbitrary.ts";

onEachVariant((engine) => {
  test.each(ALL_OR_NONE)("computes what the interpreter does after %s passes", (_which, disable) =>
    expectRandomAgreement(engine(), 100, disable),
  );
});
