import type { Runtime } from "../runtime.ts";
import type { Compilation } from "../stats.ts";

/** What a model has compiled since it was loaded. */
export interface CompileStats {
  readonly count: number;
  /** How often each reason occurred: `first decode`, `capacity 512 -> 1024`, … */
  readonly reasons: Readonly<Record<string, number>>;
  /** In order. */
  readonly compilations: readonly Compilation[];
}

/** Counts the compilations of a model, and says why each happened. */
export function compileStats({ runtime }: { readonly runtime: Runtime }): CompileStats {
  const compilations = [...runtime.programs.compilations];
  const reasons: Record<string, number> = {};
  for (const { reason } of compilations) reasons[reason] = (reasons[reason] ?? 0) + 1;
  return { count: compilations.length, reasons, compilations };
}

/** Makes any further compilation of the model an error that says why it would happen; `false` allows them again. */
export function failOnRecompile({ runtime }: { readonly runtime: Runtime }, on = true): void {
  runtime.programs.failOnRecompile(on);
}
