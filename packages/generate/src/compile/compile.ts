import { FusewireError } from "@fusewire/ir";
import { type CompileOptions, type CompileSettings, STEP_BY_STEP, settingsFor } from "./settings.ts";

const TARGET = Symbol("fusewire.compile");

/** What a function that can be compiled carries. */
interface Target<F> {
  readonly kind: "forward" | "generate";
  readonly settings: CompileSettings;
  /** The same function, to be run with other settings. */
  readonly with: (settings: CompileSettings) => F;
}

type AnyFunction = (...args: never[]) => unknown;

/** Marks a function of a model as one that `compile` knows. `make` returns it for given settings. */
export function compilable<F extends AnyFunction>(kind: Target<F>["kind"], make: () => F): F {
  const at = (settings: CompileSettings): F =>
    Object.assign(make(), { [TARGET]: { kind, settings, with: at } satisfies Target<F> });
  return at(STEP_BY_STEP);
}

/** The settings that a function of a model was compiled with. */
export function settingsOf(fn: AnyFunction, name: string): CompileSettings {
  const target = targetOf(fn);
  if (!target)
    throw new FusewireError(
      `model.${name} was replaced by another function, which generate() cannot run; assign what compile(model.${name}) returns`,
    );
  return target.settings;
}

/**
 * The function, compiled (torch.compile). Models are always compiled to programs of fixed shapes; this sets how they
 * run. `model.forward = compile(model.forward, options)` sets it for each step of `generate`;
 * `model.generate = compile(model.generate, options)` also puts several steps of decoding, processors, sampling and
 * the test for the end on the device at once, and stops at the end of the texts.
 */
export function compile<F extends AnyFunction>(fn: F, options: CompileOptions = {}): F {
  const target = targetOf(fn);
  if (!target)
    throw new FusewireError(
      "compile takes model.forward or model.generate; other functions are not traced (trace() of @fusewire/ir makes graphs)",
    );
  return target.with(settingsFor(options, target.kind));
}

const targetOf = <F extends AnyFunction>(fn: F): Target<F> | undefined =>
  (fn as F & { readonly [TARGET]?: Target<F> })[TARGET];
