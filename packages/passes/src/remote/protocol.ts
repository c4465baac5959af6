/** What an engine and those who use it from another thread say to each other. Objects of the engine go by numbers. */
import type { StateDecl, Value } from "@fusewire/ir";
import type { EngineTraits, Held, Outputs } from "../engine/engine.ts";
import type { Lowered } from "../engine/lowered.ts";
import type { LowerOptions } from "../pipeline.ts";

/** What is known of the engine once it is open. */
export interface Opened extends Pick<EngineTraits, "name" | "attention" | "memory"> {
  /** The ops that it claims. */
  readonly claims: readonly string[];
  readonly runAhead: number;
}

/** A module as text, and how it is lowered, or what was said of it when it was. */
export interface ModuleText {
  readonly text: string;
  readonly how:
    | { readonly options: Omit<LowerOptions, "observe"> }
    | { readonly lowered: Pick<Lowered, "rows" | "attention"> };
}

/** What the thread with the engine does. */
export interface EngineCalls {
  open(given: unknown): Promise<Opened>;
  createWeights(given: { readonly id: number; readonly recipe: unknown }): Promise<void>;
  createStates(given: { readonly id: number; readonly decls: readonly StateDecl[] }): void;
  compile(given: { readonly id: number; readonly weights: number; readonly module: ModuleText }): Promise<{
    readonly launches: number;
  }>;
  runTimes(given: {
    readonly executable: number;
    readonly states: number;
    readonly inputs: ReadonlyMap<string, Value>;
    readonly times: number;
    readonly until: string | undefined;
  }): Promise<readonly Outputs[]>;
  copyStates(given: {
    readonly id: number;
    readonly states: number;
    readonly decls: readonly StateDecl[];
  }): Promise<void>;
  readState(given: { readonly states: number; readonly name: string }): Promise<Value>;
  /** `text` is a module that prepares one value. */
  prepare(given: { readonly weights: number; readonly text: string }): Promise<Value>;
  dispose(given: { readonly id: number }): void;
  close(given: undefined): Promise<void>;
}

/** What changes while the engine works. */
export interface Facts {
  readonly held: Held;
  readonly notice: string | undefined;
}

/** What the thread that uses the engine does. */
export interface HostCalls {
  /** Reads a weight, for want of a recipe. */
  weight(given: { readonly weights: number; readonly name: string }): Promise<Value>;
  /** Answers what the source that was made from a recipe asks. */
  ask(given: { readonly weights: number; readonly request: unknown }): Promise<unknown>;
  /** Hears what the source has to tell. */
  hear(given: { readonly weights: number; readonly event: unknown }): void;
  facts(given: Facts): void;
}
