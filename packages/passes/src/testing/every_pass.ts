/** For tests: the whole road of the passes, looked at after each of them. */
import { defOf, type Module, verify } from "@fusewire/ir";
import { arbitraryModule, expectSameMeaning } from "@fusewire/ir/testing";
import fc from "fast-check";
import type { EngineTraits } from "../engine/engine.ts";
import { type LowerOptions, lower, OPTIONAL_PASSES, passesFor } from "../pipeline.ts";
import { arbitraryRecipe } from "./arbitrary_recipe.ts";
import { expectProgram } from "./compare_program.ts";
import { buildModel } from "./forms.ts";

const engine = (name: string, claims: EngineTraits["claims"]): EngineTraits => ({
  attention: [],
  name,
  claims,
  memory: { alignment: 16, readWriteSameBuffer: false },
});

/** Engines that claim everything, no composite, and of the composites products alone. */
export const TRAITS: readonly EngineTraits[] = [
  engine("everything", () => true),
  engine("no composite", (op) => !defOf({ op }).expand),
  engine("products alone", (op) => !defOf({ op }).expand || op === "linear"),
];

/** Runs the passes over each entry: every one must leave a module that is valid and means the same to the bit, and the program must do so too. */
export function expectEveryPass(
  module: Module,
  traits: EngineTraits,
  options: LowerOptions,
  seed: number,
): void {
  for (const entry of module.entries) {
    const alone = { ...module, entries: [entry] };
    let current: Module = alone;
    for (const pass of passesFor(traits, options)) {
      current = pass.run(current);
      verify(current);
    }
    verify(
      current,
      (node) =>
        defOf(node).leaf === true ||
        traits.claims(node.op, "layout" in node.attrs ? node.attrs.layout : undefined),
    );
    expectSameMeaning(current, alone, seed, 0);
    expectProgram(lower(alone, traits, options), traits.memory, seed);
  }
}

/** Models and random graphs, engines, and optional passes left out. */
export const everyPassProperty = fc.property(
  fc.oneof(
    arbitraryRecipe.map((recipe) => buildModel(recipe)),
    arbitraryModule(),
  ),
  fc.constantFrom(...TRAITS),
  fc.subarray([...OPTIONAL_PASSES]),
  fc.nat(),
  (module, traits, disable, seed) => expectEveryPass(module, traits, { disable }, seed),
);
