export { type RawConfig, rawConfig, readConfig, renamed } from "./config.ts";
export {
  GENERATION_SETTINGS,
  type GenerationDefaults,
  readGenerationConfig,
  type TokenIds,
} from "./generation-config.ts";
export { type RotaryFrequencies, rotaryFrequencies } from "./rope.ts";
export type { RopeParameters } from "./rope-parameters.ts";
