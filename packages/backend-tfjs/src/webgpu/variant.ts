import type { AdapterFacts } from "./device/adapter.ts";
import type { Variant } from "./kernels/kernel.ts";

/**
 * How kernels are cut on an adapter: the one place where that is decided. On a software adapter a barrier costs more
 * than a whole line, so there each line is one thread's.
 */
export const variantFor = ({ software }: AdapterFacts): Variant => ({
  lanes: software ? 1 : 128,
  chunks: software ? "lines" : "tiles",
});
