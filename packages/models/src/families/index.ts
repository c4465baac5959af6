import { FusewireError } from "@fusewire/ir";
import type { RawConfig } from "../config/index.ts";
import type { CausalModel, Family } from "./family.ts";
import { llama } from "./llama.ts";

/** Every architecture that can be loaded. */
export const FAMILIES: readonly Family[] = [llama];

/** The model that config.json describes. */
export function createModel(config: RawConfig): CausalModel {
  const type = config.modelType;
  const family = FAMILIES.find(({ modelType }) => modelType === type);
  const known = FAMILIES.map(({ modelType }) => modelType).join(", ");
  if (!family)
    throw new FusewireError(`config.json: the architecture '${type}' is not supported; supported: ${known}`);
  const other = config.architectures.find((name) => !family.architectures.includes(name));
  if (other !== undefined)
    throw new FusewireError(
      `config.json: '${other}' is not supported; model_type '${type}' is loaded as ${family.architectures.join(", ")}`,
    );
  return family.create(config);
}
