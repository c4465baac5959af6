import type { Module } from "@fusewire/ir";
import { type EngineTraits, launchesPerLayer, type Program, planMemory, toLowered } from "@fusewire/passes";

/** Launches of one run of a program. */
export interface Launches {
  readonly total: number;
  /** One number a decoder layer, in their order. */
  readonly layers: readonly number[];
}

export function countLaunches(program: Program): Launches {
  const layers = [...launchesPerLayer(program)].filter(([layer]) => layer !== "");
  return { total: program.steps.length, layers: layers.map(([, launches]) => launches) };
}

/** The program of a module as it was traced: one launch an op, weights prepared anew in each step. */
export const programBeforePasses = (module: Module, engine: EngineTraits): Program =>
  planMemory(toLowered(module), engine);

/** The launches of all layers as `8`, or `7 to 9` where they differ. */
export function formatLayers(layers: readonly number[]): string {
  const [least, most] = [Math.min(...layers), Math.max(...layers)];
  return layers.length === 0 ? "none" : least === most ? `${least}` : `${least} to ${most}`;
}
