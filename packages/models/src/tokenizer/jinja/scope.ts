import type { Value } from "./values.ts";

/** Variables that are seen in one place: those set there, and those around it. */
export interface Scope {
  readonly get: (name: string) => Value | undefined;
  readonly set: (name: string, value: Value) => void;
}

/** A scope within another; what is set in it ends with it. */
export function createScope(outer?: Scope, variables: Iterable<readonly [string, Value]> = []): Scope {
  const own = new Map(variables);
  return {
    get: (name) => (own.has(name) ? own.get(name) : outer?.get(name)),
    set: (name, value) => void own.set(name, value),
  };
}
