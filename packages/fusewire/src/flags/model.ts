import { stat } from "node:fs/promises";
import type { AttentionImplementation, CacheDTypeName, WeightDType } from "@fusewire/generate";
import type { HubOptions, ModelFiles } from "@fusewire/models";
import { embeddedModel, openModelDirectory } from "@fusewire/models/node";
import { type Command, Option } from "commander";
import { openModel } from "#platform";
import { DEVICES, type Device } from "../named_engine.ts";
import type { Progress } from "../text/progress.ts";
import { choiceFlag, countFlag } from "./values.ts";

/** Where the model is from; as commander names the flags. */
export interface SourceFlags {
  readonly model?: string;
  readonly revision?: string;
}

/** Which model, and how it is run. */
export interface ModelFlags extends SourceFlags {
  /** Checked where it is opened, not here. */
  readonly device?: Device;
  readonly threads?: number;
  readonly maxMemory?: string;
  readonly dtype?: WeightDType;
  readonly cacheDtype?: CacheDTypeName;
  readonly attnImplementation?: AttentionImplementation;
}

/** The models that come with Fusewire; the first is taken where none is named. */
export const EMBEDDED = ["tales", "tales-draft"] as const;

/** What messages call the model. */
export const nameOf = (model: string = EMBEDDED[0]): string => `'${model}'`;

export function addSourceFlags(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--model <name>",
        `a model directory, owner/name on the hub, or ${EMBEDDED.join(", ")} (default: ${EMBEDDED[0]})`,
      ),
    )
    .option("--revision <name>", "branch, tag or commit of a model on the hub");
}

export const dtypeFlag = (): Option =>
  choiceFlag("--dtype", ["auto", "float32", "bfloat16", "float16", "q8", "q4"], "how weights are kept");

export const cacheDTypeFlag = (): Option =>
  choiceFlag("--cache-dtype", ["float32", "float16", "int8"], "how keys and values are kept");

export function addModelFlags(command: Command): Command {
  return addSourceFlags(command)
    .option("--device <name>", `where to run: ${DEVICES.join(", ")}`)
    .addOption(countFlag("--threads", "threads of device wasm; as many as the machine has unless given"))
    .option("--max-memory <size>", "what weights and caches may take on wasm and webgpu, such as 6GiB")
    .addOption(dtypeFlag())
    .addOption(cacheDTypeFlag())
    .addOption(
      choiceFlag(
        "--attn-implementation",
        ["sdpa", "eager", "flash_attention_2"],
        "attention by the device's kernel, by plain products, or by a kernel with a running softmax",
      ),
    );
}

/** The folder of a model that comes with Fusewire, unless a folder here has its name. */
export async function embeddedFolder(model: string = EMBEDDED[0]): Promise<string | undefined> {
  const known = EMBEDDED.find((name) => name === model);
  return known !== undefined && !(await exists(model)) ? embeddedModel(known) : undefined;
}

export const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** The files of the model that the flags name; those of the hub are downloaded when they are opened. */
export async function openModelFlag(
  { model, revision }: SourceFlags,
  progress?: Progress,
): Promise<ModelFiles> {
  const folder = await embeddedFolder(model);
  const source = folder ?? model ?? EMBEDDED[0];
  const options: HubOptions = {
    ...(progress && { progress_callback: progress.report }),
    ...(revision !== undefined && { revision }),
  };
  if (folder !== undefined && revision === undefined)
    return { ...(await openModelDirectory(folder)), location: nameOf(model) };
  return openModel(source, options);
}

/** The flags as `from_pretrained` takes them. */
export const loadOptions = ({
  device,
  threads,
  maxMemory,
  dtype,
  cacheDtype,
  attnImplementation,
}: ModelFlags) => ({
  ...(device !== undefined && { device }),
  ...(threads !== undefined && { threads }),
  ...(maxMemory !== undefined && { max_memory: maxMemory }),
  ...(dtype !== undefined && { dtype }),
  ...(cacheDtype !== undefined && { cache_dtype: cacheDtype }),
  ...(attnImplementation !== undefined && { attn_implementation: attnImplementation }),
});
