import { occurs } from "@fusewire/ir";
import { perRow } from "./encode.ts";
import type { Processor } from "./processor.ts";
import { penalise } from "./repetition_penalty.ts";

/**
 * The inverse penalty on tokens of the prompt: above 1 a text keeps to the words that it was given
 * (EncoderRepetitionPenaltyLogitsProcessor, which takes the prompt where there is no encoder).
 */
export const encoderRepetitionPenalty: Processor = {
  option: "encoder_repetition_penalty",
  samplingOnly: false,
  encode: (value, { batch, prompts }) =>
    value === 1
      ? undefined
      : {
          inputs: {
            value: perRow(batch, "f32", () => 1 / Number(value)),
            prompt: perRow(batch, "i32", (row) => prompts[row] ?? 0),
          },
        },
  apply: (scores, { value, prompt }, { ids }) =>
    penalise(scores, value!, occurs(ids, prompt!, scores.type.shape[1]!)),
};
