import { topP as keepTopP } from "@fusewire/ir";
import { sameForAll } from "./encode.ts";
import type { Processor } from "./processor.ts";

/** Keeps the smallest set of likeliest tokens whose probability reaches p (TopPLogitsWarper). */
export const topP: Processor = {
  option: "top_p",
  neutral: 1,
  samplingOnly: true,
  encode: sameForAll("f32"),
  apply: (scores, { value }, { keep }) => keepTopP(scores, value!, keep),
};
