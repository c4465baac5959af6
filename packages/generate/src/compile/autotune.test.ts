import { createReferenceEngine, type Engine } from "@fusewire/passes";
import { expect, test } from "vitest";
import { loadCausalLM } from "../load.ts";
import { tinyModel } from "../testing/tiny_model.ts";
import { autotune } from "./autotune.ts";
import { compile } from "./compile.ts";

/** An interpreter with three sets of kernels, of which each run is told to take so many milliseconds. */
function engineOf(milliseconds: Readonly<Record<string, number>>) {
  const engine = createReferenceEngine();
  let [current] = Object.keys(milliseconds) as [string];
  let now = 0;
  const withVariants: Engine = {
    ...engine,
    variants: {
      names: Object.keys(milliseconds),
      current: () => current,
      use: (name) => {
        current = name;
      },
    },
    run(executable, states, inputs) {
      now += milliseconds[current]!;
      return engine.run(executable, states, inputs);
    },
  };
  return { engine: withVariants, clock: () => now };
}

test("takes the fastest set of kernels for all programs", async () => {
  const { engine, clock } = engineOf({ slow: 5, fast: 1, medium: 3 });
  const model = await loadCausalLM(tinyModel(), { engine });
  const tuning = await autotune(model.runtime, clock);
  expect(tuning?.chosen).toBe("fast");
  expect(tuning?.milliseconds).toEqual({ slow: 5 + 5 / 256, fast: 1 + 1 / 256, medium: 3 + 3 / 256 });
  expect(engine.variants!.current()).toBe("fast");
});

test("max-autotune tunes once, before the first generation, and compiles nothing after that", async () => {
  const { engine } = engineOf({ one: 1, two: 1 });
  const model = await loadCausalLM(tinyModel(), { engine });
  model.forward = compile(model.forward, { mode: "max-autotune" });
  const input_ids = [[3, 1, 4, 1, 5]];
  const first = await model.generate({ input_ids }, { max_new_tokens: 3 });
  expect(first.stats.compilations.map(({ reason }) => reason)).toContain("max-autotune tries kernels 'two'");
  expect(first.stats.kernels).toBe(engine.variants!.current());
  const second = await model.generate({ input_ids }, { max_new_tokens: 3 });
  expect(second.stats.compilations).toEqual([]);
  expect(second.sequences).toEqual(first.sequences);
});

test("a failed max-autotune is tried again by the next generation", async () => {
  const { engine } = engineOf({ one: 1, two: 1 });
  let failures = 1;
  const model = await loadCausalLM(tinyModel(), {
    engine: {
      ...engine,
      run: (...given) => (failures-- > 0 ? Promise.reject(new Error("out of memory")) : engine.run(...given)),
    },
  });
  model.forward = compile(model.forward, { mode: "max-autotune" });
  const generate = () => model.generate({ input_ids: [[3, 1, 4]] }, { max_new_tokens: 3 });
  await expect(generate()).rejects.toThrow("out of memory");
  expect((await generate()).sequences[0]).toHaveLength(6);
});

test("an engine without a choice is left alone", async () => {
  const model = await loadCausalLM(tinyModel(), { engine: createReferenceEngine() });
  expect(await autotune(model.runtime)).toBeUndefined();
});
