import { div, reshape } from "@fusewire/ir";
import type { Processor } from "./processor.ts";

/** scores / temperature (TemperatureLogitsWarper). */
export const temperature: Processor = {
  option: "temperature",
  dtype: "f32",
  neutral: 1,
  samplingOnly: true,
  apply: (scores, value) => div(scores, reshape(value, [value.type.shape[0]!, 1])),
};
