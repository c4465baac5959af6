/** Programs as text: what a change to a pass or to a model does to them shows in the diff. */
import { defOf, type OpName } from "@fusewire/ir";
import {
  EVERY_KERNEL,
  launchesPerLayer,
  lower,
  OPTIONAL_PASSES,
  planMemory,
  printProgram,
} from "@fusewire/passes";
import { expect, test } from "vitest";
import { GREEDY_DECODE, PROGRAMS, traceGolden } from "./support/programs.ts";

/** The greedy decode program of a golden model for an engine that has every kernel. */
async function decodeProgram(name: string, disable: typeof OPTIONAL_PASSES | readonly [] = []) {
  const [module] = await traceGolden(name, [GREEDY_DECODE]);
  return planMemory(lower(module!, EVERY_KERNEL, { disable }), EVERY_KERNEL);
}

/** What holds the layers, where not `model.layers`. */
const LAYERS: Readonly<Record<string, string>> = { opt: "model.decoder.layers", gpt2: "transformer.h" };

/** Launches of a decoder layer at batch 1, fused and as traced. */
test.each([
  ["llama", 8, 58],
  ["mistral-window", 8, 58],
  ["gemma", 8, 59],
  ["gemma2", 12, 81],
  ["opt", 7, 50],
  ["qwen2", 8, 61],
  ["qwen3", 12, 72],
  ["gpt2", 7, 50],
  ["phi3", 8, 58],
  ["cohere2", 9, 55],
  ["ernie4-5", 8, 58],
  ["exaone4", 15, 72],
  ["gemma3", 15, 91],
  ["glm4", 12, 75],
  ["granite", 10, 60],
  ["granite4-dense", 9, 42],
  ["hunyuan", 11, 72],
  ["olmo2", 14, 72],
  ["olmo3", 14, 72],
  ["phi", 9, 57],
  ["phi4-mini-like", 8, 58],
  ["seed-oss", 8, 61],
  ["smollm3", 7, 40],
  ["starcoder2", 8, 70],
])("%s: %i launches a decoder layer, %i without the optional passes", async (name, fused, unfused) => {
  const layer = `${LAYERS[name] ?? "model.layers"}.1`;
  const program = await decodeProgram(name);
  await expect(printProgram(program)).toMatchFileSnapshot(`snapshots/${name}.decode.txt`);
  const plain = await decodeProgram(name, OPTIONAL_PASSES);
  expect([program, plain].map((one) => launchesPerLayer(one).get(layer))).toEqual([fused, unfused]);
});

/** What a step does to a cache must cost the entries that it writes, not the cache. */
test.each([
  "llama",
  "llama-bias",
  "mistral-window",
  "gemma",
  "gemma2",
  "opt",
  "qwen2",
  "qwen3",
  "gpt2",
  "phi3",
])("%s: no step but a reordering copies a cache", async (name) => {
  const modules = await traceGolden(name, PROGRAMS);
  const bare = { ...EVERY_KERNEL, claims: (op: OpName) => !defOf({ op }).expand };
  const inStep = { ...EVERY_KERNEL, memory: { alignment: 4, readWriteSameBuffer: true } };
  for (const [k, module] of modules.entries())
    for (const engine of [EVERY_KERNEL, bare, inStep]) {
      const { kind } = PROGRAMS[k]!;
      const { copies } = planMemory(lower(module, engine), engine);
      const ofCaches = copies.filter(({ state }) => state.startsWith("cache."));
      // Beams move from row to row, and a row that is read cannot be overwritten.
      const moves = kind === "reorder" || kind === "beam";
      expect({ kind, copied: ofCaches.length > 0 }).toEqual({ kind, copied: moves });
    }
});
