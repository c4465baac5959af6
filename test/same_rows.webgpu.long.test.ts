/** Variants for GPUs, with fewer lanes: what differs between them and more is how many rounds a sum takes. */
import { describeSameBits } from "./support/same_bits.ts";

describeSameBits("a workgroup a line", { lanes: 32, shuffles: 1, chunks: "tiles" });
describeSameBits("a workgroup a line, joined by shuffles", { lanes: 32, shuffles: 4, chunks: "tiles" });
