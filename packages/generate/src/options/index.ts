export { checkOptions } from "./check.ts";
export { idleOptions } from "./idle.ts";
export { type Guidance, type ResolvedOptions, resolveOptions } from "./resolve.ts";
export { OPTIONS, type OptionKind } from "./table.ts";
export type { AssistantModel, GenerationConfig, GenerationOptions } from "./types.ts";
