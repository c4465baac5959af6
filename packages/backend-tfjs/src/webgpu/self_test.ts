/** The self-test on a device, once for each way in which kernels can be cut there. */
import { type SelfTest, selfTest } from "@fusewire/passes";
import type { OpenDevice } from "./device/open_device.ts";
import { createWebGpuEngine } from "./engine.ts";
import type { NamedVariant } from "./kernels/kernel.ts";
import { variantsFor } from "./variant.ts";

/** A variant, and the kernels to run in it where not all are. */
interface Part {
  readonly variant: NamedVariant;
  readonly wanted?: (kernel: string) => boolean;
}

/**
 * What may be chosen on the device, and what replaces an instruction that it has and others lack. A software adapter
 * takes seconds to build what workgroups multiply several rows with: there rows are compared in the usual variant alone.
 */
function partsFor(device: OpenDevice): readonly Part[] {
  const [usual, ...others] = variantsFor(device) as [NamedVariant, ...NamedVariant[]];
  const { software } = device.facts;
  return [
    { variant: usual },
    ...others.map((variant) =>
      software ? { variant, wanted: (kernel: string) => !kernel.startsWith("rows of") } : { variant },
    ),
    {
      variant: { ...usual, name: "without an instruction for four bytes", dot4: false },
      wanted: (kernel) => kernel.startsWith("product, weights of"),
    },
  ];
}

/** Runs the self-test in every variant, by name. */
export async function testVariants(device: OpenDevice): Promise<Readonly<Record<string, SelfTest>>> {
  const tests: Record<string, SelfTest> = {};
  for (const { variant, wanted } of partsFor(device)) {
    const engine = await createWebGpuEngine({ device, variant });
    tests[variant.name] = await selfTest(engine, wanted);
    engine.dispose();
  }
  return tests;
}
