import { numbersOf } from "@fusewire/ir";
import type { Run } from "./fill_cache.ts";
import type { RunPlan } from "./plan.ts";
import type { GenerationStep } from "./step.ts";

/** One token a row and step, until every row has ended. */
export async function* decodeSteps({ rows, decode }: RunPlan, run: Run): AsyncGenerator<GenerationStep> {
  const done = rows.map(() => false);
  while (done.includes(false)) {
    const outputs = await run(decode.key, decode.inputs);
    const tokens = numbersOf(outputs.get("token")!);
    const ended = numbersOf(outputs.get("done")!);
    yield { tokens: rows.map((_, b) => (done[b] ? undefined : tokens[b]!)) };
    for (const b of done.keys()) done[b] = ended[b] === 1;
  }
}
