/** Programs as text: what a change to a pass or to a model does to them shows in the diff. */
import { loadCausalLM, selectionFor, traceEntry } from "@fusewire/generate";
import { NodeTable } from "@fusewire/ir";
import { openModelDirectory } from "@fusewire/models/node";
import {
  createReferenceEngine,
  type EngineTraits,
  launchesPerLayer,
  lower,
  OPTIONAL_PASSES,
  planMemory,
  printProgram,
} from "@fusewire/passes";
import { expect, test } from "vitest";
import { goldenPath } from "./support/goldens.ts";

/** An engine that replays programs and has every kernel. */
const replay: EngineTraits = {
  name: "replay",
  claims: () => true,
  memory: { alignment: 256, readWriteSameBuffer: false },
};

async function decodeProgram(name: string, disable: typeof OPTIONAL_PASSES | readonly [] = []) {
  const files = await openModelDirectory(goldenPath("models", name));
  const model = await loadCausalLM(files, { engine: createReferenceEngine() });
  const selection = selectionFor(false, () => false);
  const sizes = { batch: 1, rows: 1, capacity: 128 };
  const key = { kind: "decode", ...sizes, selection, eosCount: 8 } as const;
  const module = traceEntry(key, model.runtime.source, new NodeTable());
  await model.dispose();
  return planMemory(lower(module, replay, { disable }), replay);
}

test("llama: 12 launches a decoder layer, 58 without the optional passes", async () => {
  const program = await decodeProgram("llama");
  expect(launchesPerLayer(program).get("model.layers.1")).toBe(12);
  await expect(printProgram(program)).toMatchFileSnapshot("snapshots/llama.decode.txt");
  const unfused = await decodeProgram("llama", OPTIONAL_PASSES);
  expect(launchesPerLayer(unfused).get("model.layers.1")).toBe(58);
});
