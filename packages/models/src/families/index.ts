import { FusewireError } from "@fusewire/ir";
import type { RawConfig } from "../config/index.ts";
import type { CausalModel } from "../nn/causal_model.ts";
import type { Family } from "./family.ts";
import { gemma } from "./gemma.ts";
import { gemma2 } from "./gemma2.ts";
import { llama } from "./llama.ts";
import { mistral } from "./mistral.ts";
import { opt } from "./opt.ts";
import { qwen2 } from "./qwen2.ts";
import { refuseUnsupported } from "./unsupported.ts";

/** Every architecture that can be loaded. */
export const FAMILIES: readonly Family[] = [gemma, gemma2, llama, mistral, opt, qwen2];

/** Classes of transformers that do something else than generate text, such as LlamaForSequenceClassification. */
const OTHER_HEAD = /For(?!CausalLM$)[A-Z]/;

/**
 * The model that config.json describes. `model_type` decides: names in `architectures` may be spelled in any way, unless
 * one stands for another head, or for code that comes with the checkpoint.
 */
export function createModel(config: RawConfig): CausalModel {
  const type = config.modelType;
  const family = FAMILIES.find(({ modelType }) => modelType === type);
  const known = FAMILIES.map(({ modelType }) => modelType).join(", ");
  if (!family && config.has("auto_map"))
    throw new FusewireError(
      `config.json: '${type}' needs code that comes with the model (auto_map), which is never run; supported architectures: ${known}`,
    );
  if (!family)
    throw new FusewireError(`config.json: the architecture '${type}' is not supported; supported: ${known}`);
  const other = config.architectures.find((name) => !family.architectures.includes(name));
  if (other !== undefined && (OTHER_HEAD.test(other) || config.has("auto_map")))
    throw new FusewireError(
      `config.json: '${other}' is not supported${OTHER_HEAD.test(other) ? "" : ", for its code comes with the model (auto_map)"}; model_type '${type}' is loaded as ${family.architectures.join(", ")}`,
    );
  refuseUnsupported(config);
  return family.create(config);
}
