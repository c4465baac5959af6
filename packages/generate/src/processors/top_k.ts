import { topK as keepTopK } from "@fusewire/ir";
import type { Processor } from "./processor.ts";

/** Keeps the k best scores and what ties with the last of them (TopKLogitsWarper). */
export const topK: Processor = {
  option: "top_k",
  dtype: "i32",
  neutral: 0,
  samplingOnly: true,
  apply: (scores, value, { keep }) => keepTopK(scores, value, keep),
};
