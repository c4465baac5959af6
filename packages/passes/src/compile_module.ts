import type { Module, Node, Value } from "@fusewire/ir";
import type { Engine, Executable, Weights } from "./engine/engine.ts";
import { type LowerOptions, lower } from "./pipeline.ts";

/** An engine in another thread, which lowers graphs there: that takes longer than a page may wait. */
export interface ModuleEngine extends Engine {
  compileModule(module: Module, weights: Weights, options: LowerOptions): Promise<Executable>;
  /** Computes a value from weights over there, for an engine that is here; see `createPreparer`. */
  prepare(node: Node, weights: Weights): Promise<Value>;
}

const takesModules = (engine: Engine): engine is ModuleEngine => "compileModule" in engine;

/** Lowers and compiles a module of one entry, in the thread where the engine is. */
export const compileModule = async (
  engine: Engine,
  module: Module,
  weights: Weights,
  options: LowerOptions,
): Promise<Executable> =>
  takesModules(engine)
    ? engine.compileModule(module, weights, options)
    : engine.compile(lower(module, engine, options), weights);
