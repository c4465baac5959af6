/** Programs as text: what a change to a pass or to a model does to them shows in the diff. */
import {
  EVERY_KERNEL,
  launchesPerLayer,
  lower,
  OPTIONAL_PASSES,
  planMemory,
  printProgram,
} from "@fusewire/passes";
import { expect, test } from "vitest";
import { GREEDY_DECODE, traceGolden } from "./support/programs.ts";

/** The greedy decode program of a golden model for an engine that has every kernel. */
async function decodeProgram(name: string, disable: typeof OPTIONAL_PASSES | readonly [] = []) {
  const [module] = await traceGolden(name, [GREEDY_DECODE]);
  return planMemory(lower(module!, EVERY_KERNEL, { disable }), EVERY_KERNEL);
}

/** Launches of a decoder layer at batch 1, fused and as traced. */
test.each([
  ["llama", 8, 58],
  ["mistral-window", 8, 58],
  ["gemma", 8, 59],
  ["gemma2", 12, 81],
  ["opt", 7, 50],
  ["qwen2", 8, 61],
])("%s: %i launches a decoder layer, %i without the optional passes", async (name, fused, unfused) => {
  const layer = (name === "opt" ? "model.decoder" : "model").concat(".layers.1");
  const program = await decodeProgram(name);
  await expect(printProgram(program)).toMatchFileSnapshot(`snapshots/${name}.decode.txt`);
  const plain = await decodeProgram(name, OPTIONAL_PASSES);
  expect([program, plain].map((one) => launchesPerLayer(one).get(layer))).toEqual([fused, unfused]);
});
