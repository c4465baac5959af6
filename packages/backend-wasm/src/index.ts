export { createWasmEngine, type WasmEngine, type WasmOptions } from "./engine.ts";
