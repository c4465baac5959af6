import { FusewireError } from "@fusewire/ir";
import type { OpenDevice } from "./device/open_device.ts";
import type { NamedVariant } from "./kernels/kernel.ts";

/**
 * The ways in which kernels can be cut on a device, the one to take untimed first: the one place where that is decided.
 * On a software adapter a barrier costs more than a whole line, so there each line is one thread's.
 */
export function variantsFor({
  facts,
  gpu,
  subgroups,
}: Pick<OpenDevice, "facts" | "gpu" | "subgroups">): readonly NamedVariant[] {
  const { software, limits } = facts;
  const offered = {
    shuffles: subgroups.width,
    memory: limits.maxComputeWorkgroupStorageSize,
    dot4: gpu.wgslLanguageFeatures.has("packed_4x8_integer_dot_product"),
  };
  const workgroups = (software ? [32] : [128, 64, 32])
    .filter((lanes) => lanes <= limits.maxComputeInvocationsPerWorkgroup)
    .map((lanes) => ({ ...offered, name: `workgroups of ${lanes}`, lanes, chunks: "tiles" }) as const);
  return software
    ? [{ ...offered, name: "a thread a line", lanes: 1, chunks: "lines" }, ...workgroups]
    : workgroups;
}

/** The one of that name. */
export function variantNamed(variants: readonly NamedVariant[], name: string): NamedVariant {
  const found = variants.find((variant) => variant.name === name);
  if (!found)
    throw new FusewireError(
      `there are no kernels '${name}'; choose one of ${variants.map(({ name }) => name).join(", ")}`,
    );
  return found;
}
