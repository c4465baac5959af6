/** What the WebGPU engine promises over whole generations. */
import { createWebGpuEngine, openDevice, type WebGpuEngine } from "@fusewire/backend-tfjs";
import { compile, DynamicCache, loadCausalLM } from "@fusewire/generate";
import { openModelDirectory } from "@fusewire/models/node";
import type { Engine, States } from "@fusewire/passes";
import { describe, expect, test } from "vitest";
import { withModel } from "./support/engines.ts";
import { goldenPath } from "./support/goldens.ts";

const llama = goldenPath("models", "llama");
const prompt = (length: number): number[] => Array.from({ length }, (_, i) => 3 + ((i * 37) % 380));
const greedy = { max_new_tokens: 24, eos_token_id: [] };

test("after warm-up no pipeline, no bind group and no byte, for any prompt", () =>
  withModel(llama, "webgpu", async (model, engine) => {
    await model.warmup();
    await model.generate({ input_ids: [prompt(3)] }, { ...greedy, max_new_tokens: 2 });
    await model.generate(
      { input_ids: [prompt(3)] },
      { ...greedy, max_new_tokens: 2, do_sample: true, seed: 1 },
    );
    // Bind groups are made when a program first meets a cache.
    for (const length of [30, 80])
      await model.generate({ input_ids: [prompt(length)] }, { ...greedy, max_new_tokens: 2 });
    const counts = () => (engine as WebGpuEngine).counts();
    const [made, held] = [counts(), engine.held()];
    for (const length of [3, 30, 80]) await model.generate({ input_ids: [prompt(length)] }, greedy);
    await model.generate({ input_ids: [prompt(9)] }, { ...greedy, do_sample: true, seed: 1, top_k: 9 });
    expect(counts()).toEqual(made);
    expect(engine.held()).toEqual(held);
  }));

test("seeds give the interpreter's tokens, alone and in a batch", () =>
  withModel(llama, "webgpu", (model) =>
    withModel(llama, "interpreter", async (reference) => {
      const options = { ...greedy, do_sample: true, temperature: 0.9, top_k: 20, top_p: 0.95, seed: [5, 6] };
      const inputs = { input_ids: [prompt(6), prompt(7).slice(1)] };
      const { new_tokens } = await model.generate(inputs, options);
      expect(new_tokens).toEqual((await reference.generate(inputs, options)).new_tokens);
      const alone = await model.generate({ input_ids: [inputs.input_ids[1]!] }, { ...options, seed: [6] });
      expect(alone.new_tokens[0]).toEqual(new_tokens[1]);
    }),
  ));

test("1, 4 and 16 steps a submit give the same tokens, greedy and sampled; what passes the end stays unseen", async () => {
  const device = await openDevice();
  const engine = await createWebGpuEngine({ device });
  let steps = 0;
  const counted: Engine = {
    ...engine,
    runTimes(executable, states, inputs, times) {
      steps += times;
      return engine.runTimes(executable, states, inputs, times);
    },
  };
  const texts = [];
  for (const steps_per_submit of [1, 4, 16]) {
    const model = await loadCausalLM(await openModelDirectory(llama), { engine: counted });
    model.generate = compile(model.generate, { steps_per_submit, fullgraph: true });
    const input_ids = [prompt(6), prompt(7).slice(1)];
    const chosen = await model.generate({ input_ids }, greedy);
    const drawn = await model.generate({ input_ids }, { ...greedy, do_sample: true, seed: 3 });
    expect(chosen.stats.submits - 2).toBe(Math.ceil(greedy.max_new_tokens / steps_per_submit));
    // Ends the only row at its fifth token.
    steps = 0;
    const alone = { input_ids: input_ids.slice(0, 1) };
    const ended = await model.generate(alone, { ...greedy, eos_token_id: [chosen.new_tokens[0]![4]!] });
    const made = ended.new_tokens[0]!.length;
    expect(made).toBeLessThanOrEqual(5);
    expect(steps - made).toBeLessThanOrEqual((engine.runAhead + 1) * steps_per_submit - 1);
    texts.push([chosen, drawn, ended].map(({ new_tokens }) => new_tokens));
    await model.dispose();
  }
  expect(texts[1]).toEqual(texts[0]);
  expect(texts[2]).toEqual(texts[0]);
  engine.dispose();
  device.dispose();
});

describe("weights stored in 16 bits", () => {
  test.each(["bfloat16", "float16"] as const)("%s: the interpreter's tokens, in fewer bytes", (dtype) =>
    withModel(llama, "webgpu", (model, engine) =>
      withModel(
        llama,
        "webgpu",
        (narrow, less) =>
          withModel(
            llama,
            "interpreter",
            async (reference) => {
              const inputs = { input_ids: [prompt(12), prompt(5)].map((row) => row.slice(-5)) };
              await model.generate(inputs, greedy);
              const { new_tokens } = await narrow.generate(inputs, greedy);
              expect(new_tokens).toEqual((await reference.generate(inputs, greedy)).new_tokens);
              expect(less.held().bytes).toBeLessThan(0.75 * engine.held().bytes);
            },
            { dtype },
          ),
        { dtype },
      ),
    ),
  );
});

test("a device lost in the middle of a text: a typed error, and after restore() the same tokens", async () => {
  const engine = await createWebGpuEngine();
  const model = await loadCausalLM(await openModelDirectory(llama), { engine });
  const assistant = await loadCausalLM(await openModelDirectory(llama), { engine });
  const past_key_values = new DynamicCache();
  const inputs = { input_ids: [prompt(20)] };
  const texts = async () => {
    const plain = await model.generate(inputs, greedy);
    const cached = await model.generate(inputs, { ...greedy, past_key_values });
    const assisted = await assistant.generate(inputs, greedy);
    return [plain, cached, assisted].map(({ new_tokens }) => new_tokens);
  };
  const expected = await texts();
  const held = engine.held();
  const { programs } = model.runtime;
  const before = programs.compilations.length;
  const steps = model.stream(inputs, { ...greedy, past_key_values });
  for (let step = 0; step < 5; step++) await steps.next();
  engine.device.device.destroy();
  const rest = (async () => {
    for (;;) if ((await steps.next()).done) return;
  })();
  await expect(rest).rejects.toMatchObject({ fault: "lost", message: expect.stringContaining("restore()") });
  await expect(model.generate(inputs, greedy)).rejects.toMatchObject({ fault: "lost" });
  await model.restore();
  // Only what comes after the cache is given here, and what was before it is gone.
  await expect(model.forward({ input_ids: [[5]] }, { past_key_values })).rejects.toThrow("reset() it");
  programs.failOnRecompile(true);
  expect(await texts()).toEqual(expected);
  const again = programs.compilations.slice(before);
  expect(new Set(again.map(({ reason }) => reason))).toEqual(new Set(["device restored"]));
  expect(engine.held()).toEqual(held);
  const { compilations } = (await model.generate(inputs, greedy)).stats;
  expect(compilations).toEqual([]);
  await model.dispose();
  await assistant.dispose();
  engine.dispose();
});

test("weights that no binding holds whole give the same scores and tokens, in more launches", async () => {
  const device = await openDevice();
  const buckets = { batch: [1], chunk: [2], capacity: 16 };
  const run = async (options: { largest_binding?: number }) => {
    const engine = await createWebGpuEngine({ device, ...options });
    const model = await loadCausalLM(await openModelDirectory(llama), { engine, buckets });
    const input_ids = [prompt(11)];
    const { logits } = await model.forward({ input_ids });
    const { new_tokens, stats } = await model.generate({ input_ids }, { ...greedy, max_new_tokens: 4 });
    await model.dispose();
    engine.dispose();
    return { logits, new_tokens, launches: stats.launches };
  };
  const whole = await run({});
  const parts = await run({ largest_binding: 4096 });
  expect(parts.logits).toEqual(whole.logits);
  expect(parts.new_tokens).toEqual(whole.new_tokens);
  expect(parts.launches).toBeGreaterThan(3 * whole.launches);
  device.dispose();
});

test("a call that max_memory refuses keeps nothing, and a smaller one runs", () =>
  withModel(llama, "webgpu", async (reference, roomy) => {
    const one = { input_ids: [prompt(6)] };
    const four = { input_ids: Array.from({ length: 4 }, (_, b) => prompt(6 + b).slice(b)) };
    const expected = await reference.generate(one, greedy);
    // Programs of the larger batch stay; its cache does not.
    const max_memory = roomy.held().bytes + (64 << 10);
    const engine = await createWebGpuEngine({ max_memory });
    const model = await loadCausalLM(await openModelDirectory(llama), { engine });
    await expect(model.generate(four, greedy)).rejects.toMatchObject({
      fault: "out-of-memory",
      message: expect.stringMatching(/needs \d+ bytes .* max_memory allows \d+; .*smaller batch/),
    });
    expect((await model.generate(one, greedy)).new_tokens).toEqual(expected.new_tokens);
    expect(engine.held().bytes).toBeLessThanOrEqual(max_memory);
    await model.dispose();
    engine.dispose();
  }));

/**
 * Dawn's null backend compiles shaders as for a GPU with every feature, and runs nothing. Workgroups of a GPU's size
 * take the software adapter long to build, so that this is where they are checked; every family in every variant is a
 * test of its own.
 */
test.each([1, 32])("the kernels of GPUs compile, with %i neighbours joined by shuffles", async (shuffles) => {
  const device = await openDevice({ dawn: ["backend=null"] });
  const engine = await createWebGpuEngine({ device, variant: { lanes: 128, shuffles } });
  for (const [name, dtype] of [
    ["llama", "float32"],
    ["gemma2", "float16"],
    ["opt", "bfloat16"],
    ["llama", "q4"],
  ] as const) {
    const model = await loadCausalLM(await openModelDirectory(goldenPath("models", name)), {
      engine,
      dtype,
    });
    await model.warmup({ batch_size: 2 });
    await model.dispose();
  }
  expect(device.fault()).toBeUndefined();
  expect(engine.counts().pipelines).toBeGreaterThan(50);
  engine.dispose();
  device.dispose();
});

/** What the engine records of an executable, which is not part of its interface. */
interface Recorded {
  readonly recording: { readonly launches: readonly { readonly layer: string | undefined }[] };
}

test("a decoder layer takes at most 8 launches of the device, long caches included", async () => {
  const device = await openDevice({ dawn: ["backend=null"] });
  const engine = await createWebGpuEngine({ device, variant: { lanes: 128 } });
  const perLayer = async (name: string) => {
    const decoding: Recorded[] = [];
    const watched: Engine = {
      ...engine,
      async compile(lowered, weights) {
        const executable = await engine.compile(lowered, weights);
        if (executable.entry.startsWith("decode"))
          decoding.push(executable as unknown as Recorded & typeof executable);
        return executable;
      },
    };
    const model = await loadCausalLM(await openModelDirectory(goldenPath("models", name)), {
      engine: watched,
    });
    await model.warmup({ max_length: 90 });
    await model.dispose();
    return decoding[0]!.recording.launches.filter(({ layer }) => layer?.includes("layers.1")).length;
  };
  const names = ["llama", "mistral-full", "qwen2", "gemma", "opt"];
  const found: Record<string, number> = {};
  for (const name of names) found[name] = await perLayer(name);
  expect(found).toEqual({ llama: 8, "mistral-full": 8, qwen2: 8, gemma: 8, opt: 7 });
  engine.dispose();
  device.dispose();
});

test.each([
  ["a thread a line", { lanes: 1, chunks: "lines" }],
  ["a workgroup a line and tiles", { lanes: 32, chunks: "tiles" }],
] as const)(
  "with %s, a prompt's cache has the same bits whichever chunks and capacity computed it",
  async (_how, variant) => {
    const device = await openDevice();
    const engine = await createWebGpuEngine({ device, variant });
    const ids = prompt(37);
    const cacheFor = async (chunk: number[], capacity: number) => {
      let states: States | undefined;
      const watched: Engine = { ...engine, createStates: (decls) => (states = engine.createStates(decls)) };
      const buckets = { batch: [1], chunk, capacity };
      const model = await loadCausalLM(await openModelDirectory(llama), { engine: watched, buckets });
      await model.generate({ input_ids: [ids] }, { max_new_tokens: 1, eos_token_id: [] });
      const { type, data } = await engine.readState(states!, "cache.1.values");
      await model.dispose();
      const [, groups, slots, d] = type.shape as [number, number, number, number];
      // The last token goes through the decoding step.
      return Array.from({ length: groups }, (_, g) => [
        ...data.subarray(g * slots * d, (g * slots + 36) * d),
      ]);
    };
    const expected = await cacheFor([8], 64);
    expect(await cacheFor([64], 64)).toEqual(expected);
    expect(await cacheFor([64], 128)).toEqual(expected);
    engine.dispose();
    device.dispose();
  },
);
