/** Every golden model against Hugging Face's own numbers, on every engine that needs no GPU, with all passes and with none. */
import { PORTABLE } from "./support/engines.ts";
import { describeParity } from "./support/parity.ts";

for (const device of PORTABLE) {
  describeParity(device, "fused");
  describeParity(device, "unfused");
}
