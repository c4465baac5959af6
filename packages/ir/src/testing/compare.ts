import { isFloat } from "../dtype.ts";
import { interpret } from "../interpret.ts";
import type { Module } from "../module.ts";
import { formatType, sameType } from "../type.ts";
import { numbersOf, type Value } from "../value.ts";
import { randomEnvironment } from "./environment.ts";

/**
 * Throws unless the values agree: integers exactly, floats within `tolerance * (1 + magnitude)`; NaN equals NaN and
 * an infinity itself. With a tolerance of 0, -0 is not 0 either, for a division tells them apart.
 */
export function expectClose(actual: Value, expected: Value, tolerance = 1e-5, what = "value"): void {
  if (!sameType(actual.type, expected.type))
    throw new Error(`${what}: ${formatType(actual.type)} is not ${formatType(expected.type)}`);
  const [a, b] = [numbersOf(actual), numbersOf(expected)];
  const slack = isFloat(actual.type.dtype) ? tolerance : 0;
  for (const [i, x] of a.entries()) {
    const y = b[i]!;
    const near = slack > 0 && Number.isFinite(y) && Math.abs(x - y) <= slack * (1 + Math.abs(y));
    if (!near && !Object.is(x, y))
      throw new Error(`${what}: element ${i} is ${text(x)}, not ${text(y)} (of ${a} and ${b})`);
  }
}

const text = (x: number): string => (Object.is(x, -0) ? "-0" : String(x));

/** Throws unless all entries of both modules give the same results on random values: what every pass must keep. */
export function expectSameMeaning(actual: Module, expected: Module, seed: number, tolerance = 1e-4): void {
  const environment = randomEnvironment(expected, seed);
  for (const { name } of expected.entries) {
    const [a, b] = [interpret(actual, name, environment), interpret(expected, name, environment)];
    for (const kind of ["outputs", "writes"] as const) {
      const names = [...b[kind].keys()];
      if (names.join() !== [...a[kind].keys()].join())
        throw new Error(`entry '${name}': ${kind} are ${[...a[kind].keys()]}, not ${names}`);
      for (const key of names)
        expectClose(a[kind].get(key)!, b[kind].get(key)!, tolerance, `entry '${name}': ${kind} '${key}'`);
    }
  }
}
