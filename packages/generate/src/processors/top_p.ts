import { topP as keepTopP } from "@fusewire/ir";
import type { Processor } from "./processor.ts";

/** Keeps the smallest set of likeliest tokens whose probability reaches p (TopPLogitsWarper). */
export const topP: Processor = {
  option: "top_p",
  dtype: "f32",
  neutral: 1,
  samplingOnly: true,
  apply: (scores, value, { keep }) => keepTopP(scores, value, keep),
};
