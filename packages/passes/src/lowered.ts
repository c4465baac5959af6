import type { Entry, Module, Node, StateDecl } from "@fusewire/ir";

/** One entry in ops that the engine runs, with what must be computed from weights before its first run. */
export interface Lowered {
  readonly entry: Entry;
  readonly states: readonly StateDecl[];
  /** By the name under which the entry reads it; expressions over params and constants alone. */
  readonly prepare: ReadonlyMap<string, Node>;
  /** The module the entry came from, for printing and verifying. */
  readonly module: Module;
}

/** Takes a module of one legal entry apart for an engine. */
export function toLowered(module: Module): Lowered {
  const [entry, ...others] = module.entries;
  if (!entry || others.length > 0)
    throw new Error(`one entry is compiled at a time, not ${module.entries.length}`);
  return { entry, states: module.states, prepare: module.prepare, module };
}
