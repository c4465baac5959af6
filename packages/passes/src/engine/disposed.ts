import { FusewireError } from "@fusewire/ir";
import type { Executable, States, Weights } from "./engine.ts";

/** Something was used after its `dispose()`: an error of that call alone, after which the engine and all else on it work on. */
export class DisposedError extends FusewireError {}

/** Throws where a program, its weights or the states it is to run on were disposed; to be asked before anything is run. */
export function checkRunnable(
  { entry, disposed, weights }: Executable & { readonly weights: Weights },
  states: States,
): void {
  if (disposed) throw new DisposedError(`entry '${entry}' was disposed; compile it again`);
  if (weights.disposed)
    throw new DisposedError(`the weights were disposed, entry '${entry}' needs them; load the model again`);
  checkStates(states);
}

/** Throws where states were disposed: all of them, of which `name` is the one that is wanted. */
export function checkStates({ disposed }: States, name?: string): void {
  if (!disposed) return;
  const what = name === undefined ? "the states were" : `state '${name}' was`;
  throw new DisposedError(`${what} disposed; create others`);
}

/** Throws where weights were disposed before an entry had all that it needs of them. */
export function checkWeights({ disposed }: Weights): void {
  if (disposed)
    throw new DisposedError("the weights were disposed, and an entry was to be compiled with them");
}
