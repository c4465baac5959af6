import fc from "fast-check";
import { type Module, type Tracer, trace } from "../module.ts";
import { printModule } from "../print.ts";
import { DATA_STEPS } from "./data_steps.ts";
import { FLOAT_STEPS } from "./float_steps.ts";
import { Sketch } from "./sketch.ts";

const STEPS = [...FLOAT_STEPS, ...DATA_STEPS];

const arbitraryStep = fc.record({
  kind: fc.nat(STEPS.length - 1),
  choices: fc.array(fc.nat(999), { minLength: 8, maxLength: 8 }),
});

const arbitraryEntry = fc.record({
  shape: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }),
  steps: fc.array(arbitraryStep, { minLength: 1, maxLength: 14 }),
});

type EntryPlan = typeof arbitraryEntry extends fc.Arbitrary<infer T> ? T : never;

/**
 * Small valid modules of one or two entries over most ops. What rounding could flip (an argmax of a product) does not
 * occur, so results before and after a rewrite agree closely. Counterexamples shrink to few steps and print as text.
 */
export const arbitraryModule = (): fc.Arbitrary<Module> =>
  fc.array(arbitraryEntry, { minLength: 1, maxLength: 2 }).map(buildModule);

function buildModule(plans: readonly EntryPlan[]): Module {
  const names = ["decode", "prefill"];
  const module = trace(
    Object.fromEntries(plans.map((plan, n) => [names[n]!, (tracer: Tracer) => buildEntry(tracer, plan)])),
  );
  return Object.defineProperty({ ...module }, fc.toStringMethod, { value: () => `\n${printModule(module)}` });
}

function buildEntry(tracer: Tracer, { shape, steps }: EntryPlan) {
  const sketch = new Sketch(tracer);
  sketch.add(sketch.input(shape, "f32", "x"), { exact: true, bound: 1.5 });
  for (const [at, { kind, choices }] of steps.entries()) {
    sketch.choicesFrom(choices);
    tracer.scope(`layers.${at}`, () => STEPS[kind]!(sketch));
  }
  return Object.fromEntries(sketch.sinks().map((node, n) => [`out${n}`, node]));
}
