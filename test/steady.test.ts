/** After warm-up nothing is compiled and nothing grows, whatever the prompt's length. */
import { embeddedModel } from "@fusewire/models/node";
import { memory } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { withModel } from "./support/engines.ts";

const prompt = (length: number): number[] => Array.from({ length }, (_, i) => 100 + ((i * 37) % 3000));

// The pure JavaScript backend is slow, so it takes the smaller model.
describe.each([
  ["wasm", "tales"],
  ["eager:wasm", "tales"],
  ["eager:cpu", "tales-draft"],
] as const)("on %s", (device, name) => {
  const tensorsOfTfjs = () => (device.startsWith("eager") ? memory().numTensors : 0);

  test("200 decode steps and prompts of 3, 30 and 300 tokens: no compilation, no tensor, no byte", () =>
    withModel(embeddedModel(name), device, async (model, engine) => {
      await model.warmup();
      await model.generate({ input_ids: [prompt(3)] }, { max_new_tokens: 2, eos_token_id: [] });
      const before = {
        held: engine.held(),
        tensors: tensorsOfTfjs(),
        compiled: model.runtime.programs.compilations.length,
      };
      const { stats } = await model.generate(
        { input_ids: [prompt(3)] },
        { max_new_tokens: 200, eos_token_id: [] },
      );
      expect(stats.new_tokens).toBe(200);
      for (const length of [3, 30, 300])
        await model.generate({ input_ids: [prompt(length)] }, { max_new_tokens: 2, eos_token_id: [] });
      expect(model.runtime.programs.compilations.slice(before.compiled)).toEqual([]);
      expect(tensorsOfTfjs()).toBe(before.tensors);
      expect(engine.held()).toEqual(before.held);
    }));
});
