/** The self-test on a device, once for each way in which kernels can be cut there. */
import { type SelfTest, selfTest } from "@fusewire/passes";
import type { OpenDevice } from "./device/open_device.ts";
import { createWebGpuEngine } from "./engine.ts";
import type { Variant } from "./kernels/kernel.ts";

/** Each value of each choice that `variantFor` makes, at least once; software takes minutes where lanes are many. */
const cutsFor = ({ facts: { software } }: OpenDevice): Readonly<Record<string, Partial<Variant>>> => ({
  "a thread a line": { lanes: 1, chunks: "lines" },
  "a workgroup a line": { lanes: software ? 32 : 128, chunks: "tiles" },
});

/** Runs the self-test in every variant, by name. */
export async function testVariants(device: OpenDevice): Promise<Readonly<Record<string, SelfTest>>> {
  const tests: Record<string, SelfTest> = {};
  for (const [name, variant] of Object.entries(cutsFor(device))) {
    const engine = await createWebGpuEngine({ device, variant });
    tests[name] = await selfTest(engine);
    engine.dispose();
  }
  return tests;
}
