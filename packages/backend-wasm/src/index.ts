export { createWasmEngine, type WasmOptions } from "./engine.ts";
