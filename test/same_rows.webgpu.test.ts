/** The variant that the software adapter takes by itself; the others take it long to build. */
import { describeSameBits } from "./support/same_bits.ts";

describeSameBits("a thread a line", { lanes: 1, shuffles: 1, chunks: "lines" });
