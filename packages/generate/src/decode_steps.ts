import { numbersOf } from "@fusewire/ir";
import type { Outputs } from "@fusewire/passes";
import type { Job } from "./job.ts";
import { readScores } from "./scores/outputs.ts";
import type { GenerationStep } from "./step.ts";
import { createTurns } from "./turn.ts";

/**
 * One token a row and step, until every row has ended, `stepsPerSubmit` of them at once. Where the engine works
 * beside the host, the next are handed over before these are read; what it makes past the end is never seen.
 */
export async function* decodeSteps({ plan, prepare, runtime, counts }: Job): AsyncGenerator<GenerationStep> {
  const { rows, decode, limits } = plan;
  const { stepsPerSubmit } = plan.settings;
  const submit = await prepare(decode.key);
  const giveTurn = createTurns();
  const done = rows.map(() => false);
  const longest = Math.max(...rows.map((row, b) => limits[b]! - row.length));
  let asked = 0;
  const ahead: Promise<readonly Outputs[]>[] = [];
  const ask = () => {
    const times = Math.min(stepsPerSubmit, longest - asked);
    asked += times;
    const outputs = submit(decode.inputs, times);
    // Awaited later, or never when a row ends or the caller stops; a failure then is of no interest.
    outputs.catch(() => undefined);
    ahead.push(outputs);
  };
  try {
    while (done.includes(false)) {
      while (ahead.length <= runtime.engine.runAhead && asked < longest) ask();
      for (const outputs of await ahead.shift()!) {
        if (!done.includes(false)) break;
        const tokens = numbersOf(outputs.get("token")!);
        const ended = numbersOf(outputs.get("done")!);
        const live = done.map((one) => !one);
        yield {
          tokens: rows.map((_, b) => (live[b] ? tokens[b]! : undefined)),
          ...readScores(outputs, live),
        };
        for (const b of done.keys()) done[b] = ended[b] === 1 || counts.stopped[b]!;
      }
      await giveTurn();
    }
  } finally {
    // Their states must not be given to another generation while steps still write to them.
    await Promise.allSettled(ahead);
  }
}
