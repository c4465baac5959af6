import { logSoftmax } from "./masks.ts";
import type { Processor } from "./processor.ts";

/** Scores become logarithms of probabilities; no choice changes (LogitNormalization). */
export const renormalizeLogits: Processor = {
  option: "renormalize_logits",
  samplingOnly: false,
  encode: (value) => (value === true ? { inputs: {} } : undefined),
  apply: (scores) => logSoftmax(scores),
};
