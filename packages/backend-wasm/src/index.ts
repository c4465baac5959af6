export { createWasmEngine, type WasmEngine, type WasmOptions } from "./engine.ts";
export { testVariants, type WasmFacts } from "./self_test.ts";
