import type { DType } from "../dtype.ts";
import type { Environment } from "../interpret.ts";
import type { Module } from "../module.ts";
import { paramsOf } from "../module.ts";
import { hash32 } from "../ops/index.ts";
import { sizeOf, type TensorType } from "../type.ts";
import { toValue, type Value } from "../value.ts";

/** A seeded source of numbers in [0, 1). */
export function randomNumbers(seed: number): () => number {
  let position = hash32(seed);
  return () => {
    position = (position + 0x9e3779b9) >>> 0;
    return hash32(position) * 2 ** -32;
  };
}

/**
 * Random values for what a module reads, the same for the same seed and name. Floats lie within ±1.5, some of them 0 or
 * -0, and i32 in -1..5.
 * The first word of a name says more: `rows` are distinct and count from 0, `lo` and `hi` never decrease along
 * a row, `p` and `u` lie in [0, 1).
 */
export function randomEnvironment(module: Module, seed: number): Required<Omit<Environment, "prepared">> {
  const reads = (declared: Iterable<readonly [string, TensorType]>) => {
    const types = new Map(declared);
    return (name: string) => randomValue(types.get(name)!, hash32(seed) ^ hashName(name), name);
  };
  const typed = ({ name, type }: { name: string; type: TensorType }) => [name, type] as const;
  const inputs = module.entries.flatMap((entry) => entry.inputs);
  return {
    params: reads(paramsOf(module)),
    states: reads(module.states.map(typed)),
    inputs: reads(inputs.map(typed)),
  };
}

export function randomValue(type: TensorType, seed: number, name = ""): Value {
  const next = randomNumbers(seed);
  const hint = name.split(" ")[0]!;
  const draw = hint === "p" || hint === "u" ? next : drawFor(type.dtype, next);
  const size = sizeOf(type.shape);
  const numbers = Array.from({ length: size }, (_, k) =>
    hint === "rows" ? (k + (seed & 1)) % size : draw(),
  );
  if (hint === "lo" || hint === "hi") sortRows(numbers, type.shape.at(-1) ?? 1);
  return toValue(type, numbers);
}

function drawFor(dtype: DType, next: () => number): () => number {
  switch (dtype) {
    case "f32":
    case "f16":
    case "bf16":
      return () => {
        const x = next() * 3 - 1.5;
        return Math.abs(x) < 0.1 ? 0 * x : x;
      };
    case "i32":
      return () => Math.floor(next() * 7) - 1;
    case "u32":
      return () => Math.floor(next() * 2 ** 32);
    case "i8":
      return () => Math.floor(next() * 256) - 128;
    case "u8":
      return () => Math.floor(next() * 256);
    case "bool":
      return () => Math.floor(next() * 2);
  }
}

function sortRows(numbers: number[], n: number): void {
  for (let start = 0; start < numbers.length; start += n)
    numbers.splice(start, n, ...numbers.slice(start, start + n).sort((a, b) => a - b));
}

const hashName = (name: string): number =>
  [...name].reduce((hash, character) => hash32(hash ^ character.codePointAt(0)!), 0);
