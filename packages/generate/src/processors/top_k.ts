import { topK as keepTopK } from "@fusewire/ir";
import { sameForAll } from "./encode.ts";
import type { Processor } from "./processor.ts";

/** Keeps the k best scores and what ties with the last of them (TopKLogitsWarper). */
export const topK: Processor = {
  option: "top_k",
  neutral: 0,
  samplingOnly: true,
  encode: sameForAll("i32"),
  apply: (scores, { value }, { keep }) => keepTopK(scores, value!, keep),
};
