/**
 * Every golden model against Hugging Face's own numbers: with all passes on the engine that most people have, and with
 * none on the interpreter. `models.long.test.ts` has the whole matrix; here the other engines run models that between
 * them use most ops.
 */
import { PORTABLE } from "./support/engines.ts";
import { describeParity, describeRings, MODELS } from "./support/parity.ts";

const EACH_OP = ["llama", "gemma2", "opt"];
const WHOLE: Readonly<Record<string, string>> = { wasm: "fused", interpreter: "unfused" };

for (const device of PORTABLE) {
  for (const how of ["fused", "unfused"] as const)
    describeParity(device, how, WHOLE[device] === how ? MODELS : EACH_OP);
  describeRings(device);
}
