import { numbersOf } from "@fusewire/ir";
import type { Engine, Outputs } from "./engine.ts";

/** `runTimes` of an engine that computes where the host does: nothing is won by more than one run after another. */
export const repeated =
  (run: Engine["run"]): Engine["runTimes"] =>
  async (executable, states, inputs, times, until) => {
    const all: Outputs[] = [];
    for (let k = 0; k < times; k++) {
      const outputs = await run(executable, states, inputs);
      all.push(outputs);
      const flags = until === undefined ? undefined : outputs.get(until);
      if (flags && !numbersOf(flags).includes(0)) break;
    }
    return all;
  };
