// Random calls of generate, made here and by transformers: `tsx test/interop/generate.ts [COUNT] [SEED] [GOLDENS…]`.
// Every difference must be rounding, or of a kind that docs/compatibility.md names.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CausalLM, GenerationOptions, GenerationResult, ModelInputs } from "@fusewire/generate";
import { FusewireError } from "@fusewire/ir";
import { AutoModelForCausalLM } from "fusewire";
import { type Case, compare, type Verdict } from "./compare.ts";
import { casesOf } from "./python.ts";

const [count = "500", seed = "1", ...given] = process.argv.slice(2);
const goldens = given.length > 0 ? given : [fileURLToPath(new URL("../goldens/models", import.meta.url))];

/** The models that load here, each on one thread, so that the order of additions does not depend on the machine. */
const models = new Map<string, CausalLM>();
for (const folder of goldens.flatMap((parent) => readdirSync(parent).map((name) => join(parent, name))))
  try {
    models.set(folder, await AutoModelForCausalLM.from_pretrained(folder, { device: "wasm", threads: 1 }));
  } catch (error) {
    if (!(error instanceof FusewireError)) throw error;
    console.log(`left out: ${folder}: ${error.message}`);
  }

const tally: Record<Verdict["kind"], number> = { equal: 0, rounding: 0, listed: 0, different: 0 };
const listed = new Map<string, number>();
for (const one of casesOf<Case>("generate.py", count, seed, ...models.keys())) {
  const verdict = compare(one, await run(models.get(one.folder)!, one));
  tally[verdict.kind] += 1;
  if (verdict.kind === "listed") listed.set(verdict.why, (listed.get(verdict.why) ?? 0) + 1);
  if (verdict.kind === "different")
    console.log(
      `different: ${one.folder} ${JSON.stringify(one.options)}\n  ${verdict.why}\n  ${JSON.stringify(one.inputs)}`,
    );
}
for (const [why, times] of listed) console.log(`listed: ${why}: ${times}`);
console.log(
  `${tally.equal} equal, ${tally.rounding} rounding, ${tally.listed} listed, ${tally.different} different`,
);
process.exitCode = tally.different > 0 ? 1 : 0;

function drafts({ assistant, prompt_lookup_num_tokens }: Case["options"]): boolean {
  return assistant === true || prompt_lookup_num_tokens !== undefined;
}

/** What the call makes here; an error is as good as an answer where it says what a user can mend. */
async function run(model: CausalLM, { inputs, options }: Case): Promise<GenerationResult | FusewireError> {
  const { assistant, ...others } = options;
  const call: GenerationOptions = {
    ...others,
    // Asked for where they are compared: with drafts scores stay on the device.
    ...(options.do_sample === true && !drafts(options) && { output_scores: true }),
    ...(assistant === true && { assistant_model: model }),
  };
  try {
    return await model.generate(inputs as unknown as ModelInputs, call);
  } catch (error) {
    if (error instanceof FusewireError) return error;
    throw error;
  }
}
