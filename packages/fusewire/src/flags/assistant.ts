import type { CausalLM } from "@fusewire/generate";
import { FusewireError } from "@fusewire/ir";
import { type Command, Option } from "commander";
import { AutoModelForCausalLM } from "../auto.ts";
import { loadOptions, type ModelFlags, openModelFlag } from "./model.ts";
import { choiceFlag, countFlag } from "./values.ts";

/** A model that drafts, and how; as commander names the flags. */
export interface AssistantFlags {
  readonly assistantModel?: string;
  readonly numAssistantTokens?: number;
  readonly numAssistantTokensSchedule?: string;
  readonly assistantConfidenceThreshold?: number;
}

export function addAssistantFlags(command: Command): Command {
  return command
    .option(
      "--assistant-model <name>",
      "a smaller model of the same tokenizer that drafts tokens; named as --model",
    )
    .addOption(countFlag("--num-assistant-tokens", "drafts a round; with --assistant-model"))
    .addOption(
      choiceFlag(
        "--num-assistant-tokens-schedule",
        ["constant", "heuristic", "heuristic_transient"],
        "how that number changes from round to round",
      ),
    )
    .addOption(
      new Option(
        "--assistant-confidence-threshold <p>",
        "a round ends after a draft less likely than this, between 0 and 1",
      ).argParser((text: string) => {
        const threshold = Number(text);
        if (text.trim() !== "" && threshold >= 0 && threshold <= 1) return threshold;
        throw new FusewireError(`--assistant-confidence-threshold must be between 0 and 1, not '${text}'`);
      }),
    );
}

/** The assistant that the flags name, on the device of the model; it has an engine of its own. */
export async function openAssistant(flags: AssistantFlags & ModelFlags): Promise<CausalLM | undefined> {
  // The names under which Hugging Face reads them from the assistant's generation config.
  const settings = {
    num_assistant_tokens: flags.numAssistantTokens,
    num_assistant_tokens_schedule: flags.numAssistantTokensSchedule,
    assistant_confidence_threshold: flags.assistantConfidenceThreshold,
  };
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  if (flags.assistantModel === undefined) {
    if (given.length === 0) return undefined;
    throw new FusewireError(
      `--${given[0]![0].replaceAll("_", "-")} says how an assistant drafts; name one with --assistant-model`,
    );
  }
  const files = await openModelFlag({ model: flags.assistantModel });
  const assistant = await AutoModelForCausalLM.from_pretrained(files, loadOptions(flags));
  Object.assign(assistant.generation_config, Object.fromEntries(given));
  return assistant;
}
