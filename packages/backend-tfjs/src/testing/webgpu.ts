/** For tests alone: the WebGPU engine on the adapter that the test process was started with. */

import type { Engine } from "@fusewire/passes";
import { afterAll, beforeAll, describe } from "vitest";
import { type OpenDevice, openDevice } from "../webgpu/device/open_device.ts";
import { createWebGpuEngine } from "../webgpu/engine.ts";
import type { Variant } from "../webgpu/kernels/kernel.ts";

/** The variant that differs from the one before it in how lanes join alone, which tests of its own cover. */
export const SHUFFLES = "a workgroup a line, joined by shuffles";

/** Bytes of workgroup memory that every device has. */
export const EVERYWHERE = 16_384;

/** Every way in which kernels are cut, which the software adapter runs as well as a GPU would. */
export const VARIANTS: Readonly<Record<string, Variant>> = {
  "a thread a line": { lanes: 1, shuffles: 1, chunks: "lines", dot4: false, memory: EVERYWHERE },
  "a workgroup a line": { lanes: 32, shuffles: 1, chunks: "tiles", dot4: true, memory: EVERYWHERE },
  // As wide as the software adapter's subgroups.
  [SHUFFLES]: { lanes: 32, shuffles: 4, chunks: "tiles", dot4: true, memory: EVERYWHERE },
};

/** Describes tests once for each variant, or for some of them, on one device. */
export function onEachVariant(
  tests: (engine: () => Engine) => void,
  names: readonly string[] = Object.keys(VARIANTS).filter((name) => name !== SHUFFLES),
): void {
  const variants = names.map((name) => [name, VARIANTS[name]!] as const);
  describe.each(variants)("webgpu, %s", (_name, variant) => {
    let device: OpenDevice;
    let engine: Engine;
    beforeAll(async () => {
      device = await openDevice();
      engine = await createWebGpuEngine({ device, variant });
    });
    afterAll(() => {
      engine.dispose();
      device.dispose();
    });
    tests(() => engine);
  });
}
