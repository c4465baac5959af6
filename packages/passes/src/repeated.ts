import type { Engine } from "./engine.ts";

/** `runTimes` of an engine that computes where the host does: nothing is won by more than one run after another. */
export const repeated =
  (run: Engine["run"]): Engine["runTimes"] =>
  async (executable, states, inputs, times) => {
    const outputs: Awaited<ReturnType<Engine["run"]>>[] = [];
    for (let k = 0; k < times; k++) outputs.push(await run(executable, states, inputs));
    return outputs;
  };
