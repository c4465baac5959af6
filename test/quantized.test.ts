/** Models of few bits: as the interpreter computes them. `quality.test.ts` has what they cost. */
import { createWasmEngine } from "@fusewire/backend-wasm";
import { type CausalLM, loadCausalLM, type WeightDType } from "@fusewire/generate";
import { floats } from "@fusewire/ir";
import { loadTokenizer } from "@fusewire/models";
import { embeddedModel, openModelDirectory } from "@fusewire/models/node";
import { expect, test } from "vitest";
import { withModel } from "./support/engines.ts";
import { goldenPath } from "./support/goldens.ts";
import { largestDifference } from "./support/read.ts";

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

test.each<WeightDType>(["q8", "q4", { bits: 8, group: "row" }, { bits: 4, group: 64 }])(
  "%j generates, the same each time",
  async (dtype) => {
    const generate = (model: CausalLM) =>
      model.generate({ input_ids: [[40, 50, 60]] }, { max_new_tokens: 20, eos_token_id: [] });
    const first = await withTales(dtype, generate);
    const again = await withTales(dtype, generate);
    expect(first.new_tokens[0]).toHaveLength(20);
    expect(again.new_tokens).toEqual(first.new_tokens);
  },
);

// Kernels of workgroups give the same bits, which their own tests show; whole models take a software adapter long.
test.each<[device: string, dtype: WeightDType]>([
  ["webgpu", "q8"],
  ["webgpu", "q4"],
  ["webgpu", { bits: 8, group: "row" }],
  ["wasm", { bits: 8, group: "row" }],
  ["wasm", { bits: 4, group: 64 }],
])("on %s weights of %j give the interpreter's tokens", async (device, dtype) => {
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
  expect(await generate(device)).toEqual(await generate("interpreter"));
});

test.each(["llama", "opt", "gemma2"])("%s in float16 on wasm has the interpreter's scores", async (name) => {
  const input_ids = [Array.from({ length: 11 }, (_, i) => 3 + ((i * 37) % 90))];
  const scores = (on: string) =>
    withModel(
      goldenPath("models", name),
      on,
      async (model) => floats((await model.forward({ input_ids })).logits),
      { dtype: "float16" },
    );
  const [found, expected] = [await scores("wasm"), await scores("interpreter")];
  // The tolerance of the goldens for f32, which arithmetic is in.
  expect(largestDifference(found, expected)).toBeLessThan(3e-4);
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
