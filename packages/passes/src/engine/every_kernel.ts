import type { EngineTraits } from "./engine.ts";

/**
 * An engine that has a kernel for every op and WebGPU's rules for memory: what the passes can do at best, for
 * `inspect` and for programs as snapshots.
 */
export const EVERY_KERNEL: EngineTraits = {
  name: "every kernel",
  attention: ["flash_attention", "efficient_attention"],
  claims: () => true,
  memory: { alignment: 256, readWriteSameBuffer: false },
};
