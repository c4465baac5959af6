/** Every way to compute attention gives Hugging Face's tokens, on engines that have kernels for it. */
import { SDPBackend, sdp_kernel, sdpa_kernel } from "@fusewire/generate";
import { describe, expect, test } from "vitest";
import { withModel } from "./support/engines.ts";
import { goldenPath } from "./support/goldens.ts";
import { inputsOf, readGolden } from "./support/read.ts";

interface Expected {
  readonly left_padded: { readonly input_ids: number[][]; readonly attention_mask: number[][] };
  readonly greedy: { readonly max_new_tokens: number; readonly new_tokens: number[][] };
}

/** The WebGPU engine runs on a software adapter, which is slow. */
const MODELS = { wasm: ["llama", "gemma2", "mistral-window"], webgpu: ["llama"] };

describe.each(Object.entries(MODELS))("%s", (device, models) => {
  test.each(models)("%s by each kernel, changed at run time", (name) =>
    withModel(goldenPath("models", name), device, async (model) => {
      const { left_padded, greedy } = readGolden<Expected>(goldenPath("models", name, "expected.json"));
      const { max_new_tokens, new_tokens } = greedy;
      const run = async () => {
        const result = await model.generate(inputsOf(left_padded), { max_new_tokens, eos_token_id: [] });
        expect(result.new_tokens).toEqual(new_tokens);
        return result.stats.launches;
      };
      const fused = await run();
      model.set_attention_implementation("flash_attention_2");
      expect(await run()).toBe(fused);
      model.set_attention_implementation("sdpa");
      await sdpa_kernel(SDPBackend.EFFICIENT_ATTENTION, run);
      const math = await sdp_kernel({ enable_flash: false, enable_mem_efficient: false }, run);
      expect(math).toBeGreaterThan(fused);
      model.set_attention_implementation("eager");
      expect(await run()).toBe(math);
    }),
  );
});

test("an engine without a flash kernel refuses it when the model is loaded", async () => {
  await expect(
    withModel(goldenPath("models", "llama"), "eager:cpu", async () => undefined, {
      attn_implementation: "flash_attention_2",
    }),
  ).rejects.toThrow("flash_attention_2 needs a flash attention kernel, which device 'eager:cpu' lacks");
});
