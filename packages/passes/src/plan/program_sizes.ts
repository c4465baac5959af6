import type { EngineTraits, ProgramSizes } from "../engine/engine.ts";
import type { Lowered } from "../engine/lowered.ts";
import { withPackedCodes } from "./packed_codes.ts";
import { planMemory } from "./plan_memory.ts";
import { scratchBytes } from "./program.ts";

/** The sizes on this engine, or as the plan alone tells them where the engine does not say. */
export function programSizes(lowered: Lowered, traits: EngineTraits): ProgramSizes {
  if (traits.sizesOf) return traits.sizesOf(lowered);
  const program = withPackedCodes(planMemory(lowered, traits), lowered);
  const weights = new Map<string, number>();
  let own = 0;
  for (const { kind, name, bytes } of program.buffers) {
    if (kind === "param" || kind === "prepared") weights.set(`${kind} ${name}`, bytes);
    if (kind === "constant" || kind === "input") own += bytes;
  }
  return { weights, own, scratch: scratchBytes(program) };
}
