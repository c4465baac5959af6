import { createReferenceEngine, type Engine } from "@fusewire/passes";
import { describe, expect, test } from "vitest";
import { loadCausalLM } from "../load.ts";
import { tinyModel } from "../testing/tiny_model.ts";
import { compile } from "./compile.ts";
import type { CompileOptions } from "./settings.ts";
import { compileStats, failOnRecompile } from "./stats.ts";

const input_ids = [[3, 1, 4, 1, 5]];
const load = (engine: Engine = createReferenceEngine()) => loadCausalLM(tinyModel(), { engine });

/** The interpreter, noting the steps of each submit of a decoding program and what it returns. */
function watched() {
  const engine = createReferenceEngine();
  const submits: { readonly times: number; readonly outputs: string[] }[] = [];
  const watching: Engine = {
    ...engine,
    async runTimes(executable, states, inputs, times, until) {
      const all = await engine.runTimes(executable, states, inputs, times, until);
      submits.push({ times: all.length, outputs: [...all[0]!.keys()] });
      return all;
    },
  };
  return { engine: watching, submits };
}

/** The same, beside the host as a GPU is: submits run one after another, and nobody looks at `done` between steps. */
function watchedBeside() {
  const { engine, submits } = watched();
  let last: Promise<unknown> = Promise.resolve();
  const beside: Engine = {
    ...engine,
    runAhead: 1,
    runTimes(executable, states, inputs, times) {
      const outputs = last.then(() => engine.runTimes(executable, states, inputs, times));
      last = outputs.catch(() => undefined);
      return outputs;
    },
  };
  return { engine: beside, submits };
}

describe("compile(model.generate)", () => {
  test("decodes several steps a submit and brings no scores back", async () => {
    const { engine, submits } = watched();
    const model = await load(engine);
    const plain = await model.generate({ input_ids }, { max_new_tokens: 20 });
    expect(submits.map(({ times }) => times)).toEqual(new Array(20).fill(1));
    submits.length = 0;

    model.generate = compile(model.generate, { mode: "reduce-overhead", fullgraph: true });
    const compiled = await model.generate({ input_ids }, { max_new_tokens: 20 });
    expect(compiled.sequences).toEqual(plain.sequences);
    expect(submits).toEqual([
      { times: 16, outputs: ["token", "done"] },
      { times: 4, outputs: ["token", "done"] },
    ]);
    expect(compiled.stats.submits).toBe(plain.stats.submits - 18);
    expect(compiled.stats.launches).toBe(plain.stats.launches);
  });

  test("stops at the end of the text, which the host need not see first", async () => {
    const { engine, submits } = watched();
    const model = await load(engine);
    const free = await model.generate({ input_ids }, { max_new_tokens: 40 });
    const eos_token_id = free.new_tokens[0]![9]!;
    const length = free.new_tokens[0]!.indexOf(eos_token_id) + 1;
    submits.length = 0;
    model.generate = compile(model.generate, { steps_per_submit: 4 });
    const { new_tokens } = await model.generate({ input_ids }, { max_new_tokens: 40, eos_token_id });
    expect(new_tokens[0]).toEqual(free.new_tokens[0]!.slice(0, length));
    expect(submits.reduce((sum, { times }) => sum + times, 0)).toBe(length);
  });

  test("where the engine runs beside the host, at most (run-ahead + 1) submits pass the end, unseen", async () => {
    for (const steps_per_submit of [1, 4, 16]) {
      const { engine, submits } = watchedBeside();
      const model = await load(engine);
      const free = await model.generate({ input_ids }, { max_new_tokens: 40 });
      const eos_token_id = free.new_tokens[0]![9]!;
      submits.length = 0;
      model.generate = compile(model.generate, { steps_per_submit });
      const { new_tokens } = await model.generate({ input_ids }, { max_new_tokens: 40, eos_token_id });
      const steps = submits.reduce((sum, { times }) => sum + times, 0);
      expect(new_tokens[0]).toEqual(free.new_tokens[0]!.slice(0, new_tokens[0]!.length));
      expect(new_tokens[0]!.at(-1)).toBe(eos_token_id);
      expect(steps - new_tokens[0]!.length).toBeLessThanOrEqual(2 * steps_per_submit - 1);
    }
  });

  test("a text that is left early leaves its cache to the next", async () => {
    const model = await load(watchedBeside().engine);
    const whole = await model.generate({ input_ids }, { max_new_tokens: 20 });
    model.generate = compile(model.generate, { steps_per_submit: 4 });
    for await (const _ of model.stream({ input_ids }, { max_new_tokens: 20 })) break;
    expect((await model.generate({ input_ids }, { max_new_tokens: 20 })).sequences).toEqual(whole.sequences);
  });
});

describe("what is refused", () => {
  test.each<[object, string]>([
    [{ mode: "fast" }, "mode 'fast' is not known; choose one of default, reduce-overhead, max-autotune"],
    [{ dynamic: true }, "dynamic shapes are not supported"],
    [{ full_graph: true }, "'full_graph' is not an option"],
    [{ steps_per_submit: 0 }, "'steps_per_submit' must be an integer of 1 or more, not 0"],
  ])("%o", async (options, message) => {
    const model = await load();
    expect(() => compile(model.generate, options as CompileOptions)).toThrow(message);
  });

  test("steps a submit for the forward pass, and functions of the user's own", async () => {
    const model = await load();
    expect(() => compile(model.forward, { steps_per_submit: 4 })).toThrow("is for compile(model.generate)");
    expect(() => compile(() => 1)).toThrow("compile takes model.forward or model.generate");
    const { forward } = model;
    model.forward = (inputs) => forward(inputs);
    expect(() => model.stream({ input_ids })).toThrow("model.forward was replaced by another function");
  });
});

test("compileStats counts compilations and says why; failOnRecompile makes the next an error", async () => {
  const model = await load();
  model.forward = compile(model.forward, { mode: "reduce-overhead", fullgraph: true, dynamic: false });
  await model.warmup({ batch_size: 1 });
  failOnRecompile(model);
  await model.generate({ input_ids }, { max_new_tokens: 5 });
  const { count } = compileStats(model);
  await expect(model.generate({ input_ids: [...input_ids, ...input_ids] })).rejects.toThrow(
    /failOnRecompile is set, and 'begin .*batch=2.*' would be compiled \(batch 1 -> 2/,
  );
  failOnRecompile(model, false);
  await model.generate({ input_ids: [...input_ids, ...input_ids] });
  const after = compileStats(model);
  expect(after.count).toBeGreaterThan(count);
  expect(after.reasons["batch 1 -> 2, rows 1 -> 2"]).toBe(after.count - count);
});
