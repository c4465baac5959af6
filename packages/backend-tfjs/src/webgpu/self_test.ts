/** The self-test on a device, once for each way in which kernels can be cut there. */
import { type SelfTest, selfTest } from "@fusewire/passes";
import type { OpenDevice } from "./device/open_device.ts";
import { createWebGpuEngine } from "./engine.ts";
import { variantsFor } from "./variant.ts";

/** Runs the self-test in every variant, by name. */
export async function testVariants(device: OpenDevice): Promise<Readonly<Record<string, SelfTest>>> {
  const tests: Record<string, SelfTest> = {};
  for (const { name, ...variant } of variantsFor(device)) {
    const engine = await createWebGpuEngine({ device, variant });
    tests[name] = await selfTest(engine);
    engine.dispose();
  }
  return tests;
}
