import { FusewireError } from "@fusewire/ir";
import type { RawConfig } from "../config/index.ts";
import type { CausalModel } from "../nn/causal_model.ts";
import { cohere2 } from "./cohere2.ts";
import { ernie45 } from "./ernie4_5.ts";
import { exaone4 } from "./exaone4.ts";
import type { Family } from "./family.ts";
import { gemma } from "./gemma.ts";
import { gemma2 } from "./gemma2.ts";
import { gemma3 } from "./gemma3.ts";
import { glm4 } from "./glm4.ts";
import { gpt2 } from "./gpt2.ts";
import { granite } from "./granite.ts";
import { graniteHybrid } from "./granite_hybrid.ts";
import { hunyuan } from "./hunyuan.ts";
import { llama } from "./llama.ts";
import { mistral } from "./mistral.ts";
import { olmo2, olmo3 } from "./olmo2.ts";
import { opt } from "./opt.ts";
import { phi } from "./phi.ts";
import { phi3 } from "./phi3.ts";
import { qwen2 } from "./qwen2.ts";
import { qwen3 } from "./qwen3.ts";
import { seedOss } from "./seed_oss.ts";
import { smollm3 } from "./smollm3.ts";
import { starcoder2 } from "./starcoder2.ts";
import { refuseUnsupported } from "./unsupported.ts";

/** Every architecture that can be loaded. */
export const FAMILIES: readonly Family[] = [
  cohere2,
  ernie45,
  exaone4,
  gemma,
  gemma2,
  gemma3,
  glm4,
  gpt2,
  granite,
  graniteHybrid,
  hunyuan,
  llama,
  mistral,
  olmo2,
  olmo3,
  opt,
  phi,
  phi3,
  qwen2,
  qwen3,
  seedOss,
  smollm3,
  starcoder2,
];

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
