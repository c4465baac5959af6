import type { AttentionImplementation, WeightDType } from "@fusewire/generate";
import type { ModelFiles } from "@fusewire/models";
import { embeddedModel, openModelDirectory } from "@fusewire/models/node";
import { type Command, Option } from "commander";
import { DEVICES } from "../devices.ts";
import { choiceFlag } from "./values.ts";

/** Which model, and how it is run; as commander names the flags. */
export interface ModelFlags {
  readonly model?: string;
  readonly device?: string;
  readonly dtype?: WeightDType;
  readonly attnImplementation?: AttentionImplementation;
}

export const modelFlag = (): Option =>
  new Option("--model <dir>", "Hugging Face model directory (default: 'tales', which comes with Fusewire)");

export const dtypeFlag = (): Option =>
  choiceFlag("--dtype", ["auto", "float32", "bfloat16", "float16"], "how weights are kept");

export function addModelFlags(command: Command): Command {
  return command
    .addOption(modelFlag())
    .option("--device <name>", `where to run: ${DEVICES.join(", ")}`)
    .addOption(dtypeFlag())
    .addOption(
      choiceFlag("--attn-implementation", ["sdpa", "eager"], "attention by a kernel or by plain products"),
    );
}

/** The files of the model that --model names. */
export const openModelFlag = (model: string | undefined): Promise<ModelFiles> =>
  openModelDirectory(model ?? embeddedModel("tales"));

/** The flags as `from_pretrained` takes them. */
export const loadOptions = ({ device, dtype, attnImplementation }: ModelFlags) => ({
  ...(device !== undefined && { device }),
  ...(dtype !== undefined && { dtype }),
  ...(attnImplementation !== undefined && { attn_implementation: attnImplementation }),
});
