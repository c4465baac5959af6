import { type DType, FusewireError, type TensorType } from "@fusewire/ir";
import type { CacheDType } from "@fusewire/models";
import type { Quantization } from "@fusewire/passes";

/** Matrices as integers of a number of bits, with a scale for each group of neighbours in a row, or for the whole row. */
export type QuantizedDType =
  | { readonly bits: 8; readonly group: 32 | 64 | 128 | "row" }
  | { readonly bits: 4; readonly group: 32 | 64 | 128 };

/** Dtypes of weights that have a name. */
export type WeightDTypeName = "auto" | "float32" | "bfloat16" | "float16" | "q8" | "q4";

/**
 * How weights are kept: as they are stored, or rounded to one dtype; arithmetic is f32. With `q8` and `q4` matrices
 * become integers of 8 or 4 bits, a scale for 32 neighbours, and products run in integers where the engine can; other
 * groups are given as an object.
 */
export type WeightDType = WeightDTypeName | QuantizedDType;

/**
 * How keys and values are kept in the cache: as floats of 32 or 16 bits, or as bytes with one scale a token and head.
 * Attention reads them as they are; arithmetic is f32.
 */
export type CacheDTypeName = "float32" | "float16" | "int8";

/** What a dtype of weights comes to. */
export interface WeightFormat {
  /** The dtype that weights are rounded to; none keeps them as stored. */
  readonly stored?: DType;
  readonly quantize?: Quantization;
}

const WEIGHT_FORMATS: Readonly<Record<WeightDTypeName, WeightFormat>> = {
  auto: {},
  float32: { stored: "f32" },
  bfloat16: { stored: "bf16" },
  float16: { stored: "f16" },
  q8: { quantize: { bits: 8, group: 32 } },
  q4: { quantize: { bits: 4, group: 32 } },
};

const GROUPS: Readonly<Record<number, readonly unknown[]>> = { 8: [32, 64, 128, "row"], 4: [32, 64, 128] };

/** What `dtype` comes to; anything else is an error that lists what there is. */
export function weightFormat(dtype: WeightDType): WeightFormat {
  if (typeof dtype !== "object" || dtype === null) return choose("dtype", dtype, WEIGHT_FORMATS);
  const { bits, group, ...rest } = dtype;
  if (!GROUPS[bits]?.includes(group) || Object.keys(rest).length > 0)
    throw new FusewireError(
      `dtype ${JSON.stringify(dtype)} is not supported; { bits: 8 } takes group 32, 64, 128 or "row", { bits: 4 } takes 32, 64 or 128`,
    );
  return { quantize: { bits, group } };
}

/** The name of how weights are kept; `auto` keeps them as the first of them, the embedding, is stored. */
export function keptDType(
  dtype: WeightDType,
  params: ReadonlyMap<string, TensorType>,
): Exclude<WeightDType, "auto"> {
  if (dtype !== "auto") return dtype;
  const [first] = params.values();
  const found = NAMED.find((name) => WEIGHT_FORMATS[name].stored === first?.dtype);
  return found ?? "float32";
}

const NAMED = ["float32", "bfloat16", "float16"] as const;

export const CACHE_DTYPES: Readonly<Record<CacheDTypeName, CacheDType>> = {
  float32: "f32",
  float16: "f16",
  int8: "i8",
};

/** The table's value for an option; anything else is an error that lists what there is. */
export function choose<V>(option: string, value: string, table: Readonly<Record<string, V>>): V {
  if (!Object.hasOwn(table, value))
    throw new FusewireError(
      `${option} '${value}' is not supported; choose one of ${Object.keys(table).join(", ")}`,
    );
  return table[value]!;
}
