/** Passes over the programs of every golden family: each is checked, and none keeps anything in the table. */
import { defOf, type Module, parseModule, printModule, verify } from "@fusewire/ir";
import { type EngineTraits, EVERY_KERNEL, type LowerOptions, passesFor } from "@fusewire/passes";
import { expect, test } from "vitest";
import { PROGRAMS, traceGolden } from "./support/programs.ts";

const FAMILIES = [
  "llama",
  "llama-bias",
  "mistral-window",
  "gemma",
  "gemma2",
  "opt",
  "qwen2",
  "qwen3",
  "gpt2",
  "phi3",
];
const ENGINES: readonly (readonly [EngineTraits, LowerOptions])[] = [
  [EVERY_KERNEL, {}],
  [EVERY_KERNEL, { rows: "chunk", quantize: { bits: 4, group: 32 } }],
  // An engine with kernels for the smallest ops alone.
  [{ ...EVERY_KERNEL, claims: (op) => !defOf({ op }).expand }, {}],
];

/** The module after each pass, which starts from the text of what the one before it made, in a table of its own. */
function* inFreshTables(module: Module, [engine, options]: (typeof ENGINES)[number]) {
  for (let current = parseModule(printModule(module)), passes = [...passesFor(engine, options)]; ; ) {
    const pass = passes.shift();
    if (!pass) return;
    current = pass.run(parseModule(printModule(current)));
    yield { pass: pass.name, text: printModule(current) };
  }
}

test.each(FAMILIES)("%s", async (name) => {
  for (const traced of await traceGolden(name, PROGRAMS))
    for (const given of ENGINES) {
      const fresh = inFreshTables(traced, given);
      let current = traced;
      for (const pass of passesFor(...given)) {
        current = pass.run(current);
        verify(current);
        const { value } = fresh.next();
        expect({ pass: pass.name, text: printModule(current) }).toEqual(value);
      }
    }
});
