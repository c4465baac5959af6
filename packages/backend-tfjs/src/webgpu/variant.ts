import type { OpenDevice } from "./device/open_device.ts";
import type { Variant } from "./kernels/kernel.ts";

/**
 * How kernels are cut on a device: the one place where that is decided. On a software adapter a barrier costs more than
 * a whole line, so there each line is one thread's.
 */
export const variantFor = ({ facts: { software, features }, gpu, adapter }: OpenDevice): Variant => ({
  lanes: software ? 1 : 128,
  shuffles: features.includes("subgroups") ? Math.min(32, adapter.subgroupMinSize || 1) : 1,
  chunks: software ? "lines" : "tiles",
  dot4: gpu.wgslLanguageFeatures.has("packed_4x8_integer_dot_product"),
});
