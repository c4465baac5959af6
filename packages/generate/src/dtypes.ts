import { type DType, FusewireError } from "@fusewire/ir";
import type { CacheDType } from "@fusewire/models";
import type { Quantization } from "@fusewire/passes";

/**
 * How weights are kept: as they are stored, or rounded to one dtype; arithmetic is f32. With `q8` and `q4` matrices
 * become integers of 8 or 4 bits, a scale for 32 neighbours, and products run in integers where the engine can.
 */
export type WeightDType = "auto" | "float32" | "bfloat16" | "float16" | "q8" | "q4";

/**
 * How keys and values are kept in the cache: as floats of 32 or 16 bits, or as bytes with one scale a token and head.
 * Attention reads them as they are; arithmetic is f32.
 */
export type CacheDTypeName = "float32" | "float16" | "int8";

/** The dtype that weights are rounded to; none keeps them as stored. */
export const DTYPES: Readonly<Record<WeightDType, DType | undefined>> = {
  auto: undefined,
  float32: "f32",
  bfloat16: "bf16",
  float16: "f16",
  q8: undefined,
  q4: undefined,
};

export const CACHE_DTYPES: Readonly<Record<CacheDTypeName, CacheDType>> = {
  float32: "f32",
  float16: "f16",
  int8: "i8",
};

export const QUANTIZATION: Readonly<Partial<Record<WeightDType, Quantization>>> = {
  q8: { bits: 8, group: 32 },
  q4: { bits: 4, group: 32 },
};

/** The table's value for an option; anything else is an error that lists what there is. */
export function choose<V>(option: string, value: string, table: Readonly<Record<string, V>>): V {
  if (!Object.hasOwn(table, value))
    throw new FusewireError(
      `${option} '${value}' is not supported; choose one of ${Object.keys(table).join(", ")}`,
    );
  return table[value]!;
}
