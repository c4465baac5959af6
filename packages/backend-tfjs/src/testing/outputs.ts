/** For tests alone: several expressions as the outputs of one entry, which costs one compilation. */
import { type Node, type Tracer, trace } from "@fusewire/ir";
import type { Engine, RowClass } from "@fusewire/passes";
import { expectAgreement, TOLERANCE } from "./agreement.ts";

export const expectOutputs = (
  engine: Engine,
  build: (tracer: Tracer) => Readonly<Record<string, Node>>,
  seed: number,
  tolerance = TOLERANCE,
  rows: RowClass = "few",
): Promise<void> =>
  expectAgreement(engine, trace({ outputs: build }), seed, {
    tolerance,
    rows,
    disable: ["canonicalise", "fold_constants", "hoist_prepare", "fuse_elementwise"],
  });
