export type { EagerOptions, WasmPaths } from "./eager/backend.ts";
export { createEagerEngine } from "./eager/engine.ts";
