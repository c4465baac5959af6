import { eq, max, min, where } from "@fusewire/ir";
import type { Processor } from "./processor.ts";

/** The largest finite f32. */
const LARGEST = (2 - 2 ** -23) * 2 ** 127;

/** NaN becomes 0 and infinities the largest finite numbers (InfNanRemoveLogitsProcessor). */
export const removeInvalidValues: Processor = {
  option: "remove_invalid_values",
  samplingOnly: false,
  encode: (value) => (value === true ? { inputs: {} } : undefined),
  // Only NaN differs from itself.
  apply: (scores) => max(min(where(eq(scores, scores), scores, 0), LARGEST), -LARGEST),
};
