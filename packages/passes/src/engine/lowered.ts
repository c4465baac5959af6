import type { Entry, Module, Node, StateDecl } from "@fusewire/ir";

/**
 * Classes of work. Inside one, a row's numbers are the same to the bit however many rows there are; engines may sum in
 * another order for a chunk of a prompt than for few rows, the last ones of their texts.
 */
export type RowClass = "chunk" | "few";

/**
 * How attention may be computed, named as PyTorch's SDPBackend: `flash_attention` takes blocks of keys past a running
 * softmax, `efficient_attention` also keeps no score of every key, `math` is products and softmax.
 */
export type AttentionKernel = "flash_attention" | "efficient_attention" | "math";

/** One entry in ops that the engine runs, with what must be computed from weights before its first run. */
export interface Lowered {
  readonly entry: Entry;
  readonly states: readonly StateDecl[];
  readonly rows: RowClass;
  /** The kernel that attention must run in; the engine's own choice where not given. */
  readonly attention: AttentionKernel | undefined;
  /** By the name under which the entry reads it; expressions over params and constants alone. */
  readonly prepare: ReadonlyMap<string, Node>;
  /** The module the entry came from, for printing and verifying. */
  readonly module: Module;
}

/** Takes a module of one legal entry apart for an engine. */
export function toLowered(
  module: Module,
  { rows = "few", attention }: { rows?: RowClass | undefined; attention?: AttentionKernel | undefined } = {},
): Lowered {
  const [entry, ...others] = module.entries;
  if (!entry || others.length > 0)
    throw new Error(`one entry is compiled at a time, not ${module.entries.length}`);
  return { entry, states: module.states, rows, attention, prepare: module.prepare, module };
}
