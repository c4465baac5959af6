/** Kernels chosen by timing them on the device: `compile(…, { mode: "max-autotune" })` on WebGPU. */
import { createWebGpuEngine, type WebGpuEngine } from "@fusewire/backend-tfjs";
import { compile } from "@fusewire/generate";
import { expect, test } from "vitest";
import { withModel } from "./support/engines.ts";
import { goldenPath } from "./support/goldens.ts";

// The software adapter takes its time to build pipelines.

const llama = goldenPath("models", "llama");
const inputs = { input_ids: [[5, 9, 2, 14, 7]] };
const greedy = { max_new_tokens: 6, eos_token_id: [] };
// One chunk and one capacity: what is tuned is what runs.
const buckets = { batch: [1], chunk: [8], capacity: 64 };

test("max-autotune times each set of kernels once, names the fastest, and changes no token", () =>
  withModel(
    llama,
    "webgpu",
    async (model, engine) => {
      const { new_tokens } = await model.generate(inputs, greedy);
      const tried: string[] = [];
      const { variants, counts } = engine as WebGpuEngine;
      const { use } = variants;
      Object.assign(variants, {
        use: (name: string) => {
          tried.push(name);
          use(name);
        },
      });
      model.forward = compile(model.forward, { mode: "max-autotune" });
      const tuned = await model.generate(inputs, greedy);
      expect(new Set([...tried, variants.names[0]])).toEqual(new Set(variants.names));
      expect(tuned.new_tokens).toEqual(new_tokens);
      expect(tuned.stats.kernels).toBe(variants.current());
      const [made, times] = [counts(), tried.length];
      const again = await model.generate(inputs, greedy);
      expect(again.new_tokens).toEqual(new_tokens);
      expect(again.stats).toMatchObject({ kernels: tuned.stats.kernels, compilations: [] });
      expect([counts(), tried.length]).toEqual([made, times]);
    },
    { buckets },
  ));

test("a set of kernels holds for what is compiled from then on, and for the device that comes after a loss", async () => {
  const engine = await createWebGpuEngine();
  const [first, other] = engine.variants.names as [string, string];
  expect([engine.variants.current(), engine.variant.name]).toEqual([first, first]);
  engine.variants.use(other);
  expect([engine.variants.current(), engine.variant.name]).toEqual([other, other]);
  expect(() => engine.variants.use("the best")).toThrow(
    `there are no kernels 'the best'; choose one of ${first}, ${other}`,
  );
  engine.device.device.destroy();
  await engine.device.device.lost;
  await engine.restore();
  expect(engine.variants.current()).toBe(other);
  engine.dispose();
});
