/** A thousand decode steps on WebGPU: nothing is made after warm-up, and each step is one submit. */
import type { WebGpuEngine } from "@fusewire/backend-tfjs";
import { embeddedModel } from "@fusewire/models/node";
import { expect, test } from "vitest";
import { withModel } from "./support/engines.ts";

const STEPS = 250;

test("1,000 decode steps: bytes flat, no pipeline, no bind group, one submit a step", () =>
  withModel(embeddedModel("tales-draft"), "webgpu", async (model, engine) => {
    const { counts, submits } = engine as WebGpuEngine;
    const input_ids = [[100, 101, 102]];
    const generate = (max_new_tokens: number) =>
      model.generate({ input_ids }, { max_new_tokens, eos_token_id: [] });
    await model.warmup({ max_length: STEPS + 3 });
    await generate(STEPS);
    const before = {
      counts: counts(),
      held: engine.held(),
      compilations: model.runtime.programs.compilations.length,
    };
    for (let round = 0; round < 4; round++) {
      const sent = submits();
      const { stats } = await generate(STEPS);
      expect(stats.new_tokens).toBe(STEPS);
      // The prompt begins in one submit, its first tokens fill the cache in another, and each step is one.
      expect(submits() - sent).toBe(STEPS + 2);
      expect(engine.held()).toEqual(before.held);
    }
    expect(counts()).toEqual(before.counts);
    expect(model.runtime.programs.compilations.length).toBe(before.compilations);
  }));
