import { div, reshape } from "@fusewire/ir";
import { sameForAll } from "./encode.ts";
import type { Processor } from "./processor.ts";

/** scores / temperature (TemperatureLogitsWarper). */
export const temperature: Processor = {
  option: "temperature",
  neutral: 1,
  samplingOnly: true,
  encode: sameForAll("f32"),
  apply: (scores, { value }) => div(scores, reshape(value!, [scores.type.shape[0]!, 1])),
};
