/** Whole random graphs, through all passes and through none, on each backend. */
import { madeUpRows } from "@fusewire/ir/testing";
import { ALL_OR_NONE, expectRandomAgreement } from "@fusewire/passes/testing";
import { test } from "vitest";
import { expectAgreement } from "../testing/agreement.ts";
import { onEachBackend } from "../testing/arbitrary.ts";
import { expectOutputs } from "../testing/outputs.ts";
import { createEagerEngine } from "./index.ts";

onEachBackend(createEagerEngine, (engine) => {
  test.each(ALL_OR_NONE)("computes what the interpreter does after %s passes", (_which, disable) =>
    expectRandomAgreement(engine(), 60, disable, expectAgreement),
  );

  test("a layout without a kernel runs by expansion", () =>
    expectOutputs(engine(), (t) => ({ y: madeUpRows(t) }), 1, 0));
});
