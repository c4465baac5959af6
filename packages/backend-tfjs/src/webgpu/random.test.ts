/** Whole random graphs, through all passes and through none, in every variant. */
import { ALL_OR_NONE, expectRandomAgreement } from "@fusewire/passes/testing";
import { test } from "vitest";
import { expectAgreement } from "../testing/agreement.ts";
import { onEachVariant } from "../testing/webgpu.ts";

onEachVariant((engine) => {
  test.each(ALL_OR_NONE)("computes what the interpreter does after %s passes", (_which, disable) =>
    expectRandomAgreement(engine(), 12, disable, expectAgreement),
  );
});
