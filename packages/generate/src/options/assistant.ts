import { FusewireError } from "@fusewire/ir";
import type { AssistantOptions } from "../candidates/assistant_options.ts";
import type { Runtime } from "../runtime.ts";
import { checkConfig } from "./check.ts";
import type { AssistantModel } from "./types.ts";

const SCHEDULES = ["constant", "heuristic", "heuristic_transient"] as const;

/** Reads how an assistant drafts from its generation config, with Hugging Face's defaults. */
export function assistantOf({ runtime, generation_config }: AssistantModel): {
  readonly runtime: Runtime;
  readonly options: AssistantOptions;
} {
  // It is greedy, and the target says how long texts become: settings of both have no effect here.
  checkConfig(generation_config, { max_new_tokens: 1 }, "assistant_model.generation_config");
  const {
    num_assistant_tokens: numTokens = 20,
    num_assistant_tokens_schedule = "constant",
    assistant_confidence_threshold: threshold = 0.4,
    assistant_confidence_adaptive: adaptive = false,
  } = generation_config;
  const schedule = SCHEDULES.find((known) => known === num_assistant_tokens_schedule);
  if (!schedule)
    throw new FusewireError(
      `the assistant's num_assistant_tokens_schedule is '${num_assistant_tokens_schedule}'; choose one of ${SCHEDULES.join(", ")}`,
    );
  const remember = (count: number) => {
    generation_config.num_assistant_tokens = count;
  };
  return { runtime, options: { numTokens, schedule, threshold, adaptive, remember } };
}
