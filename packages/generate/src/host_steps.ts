import { numbersOf } from "@fusewire/ir";
import type { Job } from "./job.ts";
import { runStep } from "./run_step.ts";
import { readScores } from "./scores/outputs.ts";
import type { GenerationStep } from "./step.ts";

/** One token a row and step, each step waiting for JavaScript to process its scores. */
export async function* hostSteps(job: Job): AsyncGenerator<GenerationStep> {
  const { plan, counts } = job;
  const rows = plan.rows.map((row) => [...row]);
  const done = rows.map(() => false);
  while (done.includes(false)) {
    const outputs = await runStep(job, plan.decode.key, plan.decode.inputs, rows);
    const tokens = numbersOf(outputs.get("token")!);
    const ended = numbersOf(outputs.get("done")!);
    const live = done.map((one) => !one);
    for (const [b, row] of rows.entries()) if (live[b]) row.push(tokens[b]!);
    yield { tokens: rows.map((_, b) => (live[b] ? tokens[b]! : undefined)), ...readScores(outputs, live) };
    for (const b of done.keys()) done[b] = ended[b] === 1 || counts.stopped[b]!;
  }
}
