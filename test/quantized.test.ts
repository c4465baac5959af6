/** Quantized weights on the embedded model generate; `quality.test.ts` has what they cost. */
import { createWasmEngine } from "@fusewire/backend-wasm";
import { type CausalLM, loadCausalLM, type WeightDType } from "@fusewire/generate";
import { loadTokenizer } from "@fusewire/models";
import { embeddedModel, openModelDirectory } from "@fusewire/models/node";
import { expect, test } from "vitest";
import { withModel } from "./support/engines.ts";
import { goldenPath } from "./support/goldens.ts";

async function withTales<T>(dtype: WeightDType, body: (model: CausalLM) => Promise<T>): Promise<T> {
  const engine = await createWasmEngine();
  const model = await loadCausalLM(await openModelDirectory(embeddedModel("tales")), { engine, dtype });
  try {
    return await body(model);
  } finally {
    await model.dispose();
    engine.dispose();
  }
}

test.each(["q8", "q4"] as const)("%s generates, the same each time", async (dtype) => {
  const generate = (model: CausalLM) =>
    model.generate({ input_ids: [[40, 50, 60]] }, { max_new_tokens: 20, eos_token_id: [] });
  const first = await withTales(dtype, generate);
  const again = await withTales(dtype, generate);
  expect(first.new_tokens[0]).toHaveLength(20);
  expect(again.new_tokens).toEqual(first.new_tokens);
});

// Kernels of workgroups give the same bits, which their own tests show; whole models take a software adapter long.
test.each(["q8", "q4"] as const)("%s on webgpu: the interpreter's tokens", async (dtype) => {
  const directory = embeddedModel("tales");
  // Text that the model has something to say on: where all tokens are about as likely, rounding would decide.
  const ids = (await loadTokenizer(await openModelDirectory(directory))).encode("Once upon a time there was");
  const generate = (on: string) =>
    withModel(
      directory,
      on,
      async (model) => {
        const options = { max_new_tokens: 8, eos_token_id: [] };
        return (await model.generate({ input_ids: [ids] }, options)).new_tokens;
      },
      { dtype },
    );
  expect(await generate("webgpu")).toEqual(await generate("interpreter"));
});

test.each([
  ["float16", "webgpu"],
  ["float16", "webgpu by workgroups"],
  ["int8", "webgpu"],
] as const)(
  "a cache of %s on %s gives the interpreter's tokens, in fewer bytes",
  async (cache_dtype, device) => {
    const inputs = { input_ids: [Array.from({ length: 11 }, (_, i) => 3 + ((i * 37) % 380))] };
    const run = (on: string, options: Parameters<typeof withModel>[3]) =>
      withModel(
        goldenPath("models", "llama"),
        on,
        async (model, engine) => {
          const { new_tokens } = await model.generate(inputs, { max_new_tokens: 16, eos_token_id: [] });
          return { new_tokens, bytes: engine.held().bytes };
        },
        options,
      );
    const [found, expected, wide] = [
      await run(device, { cache_dtype }),
      await run("interpreter", { cache_dtype }),
      await run(device, {}),
    ];
    expect(found.new_tokens).toEqual(expected.new_tokens);
    expect(found.bytes).toBeLessThan(wide.bytes);
  },
);
