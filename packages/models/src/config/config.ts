import { type DType, FusewireError, isDType } from "@fusewire/ir";
import {
  isJsonObject,
  type JsonObject,
  type JsonValue,
  kindOf,
  type ModelFiles,
  readJson,
} from "../files/index.ts";
import { normaliseRope, type RopeParameters } from "./rope-parameters.ts";

/**
 * A parsed config.json. The accessors take an optional fallback for keys that are missing or null; without one a
 * missing key is an error that names config.json, the key and what is expected there.
 */
export interface RawConfig {
  /** The file as it is. */
  readonly values: JsonObject;
  /** `model_type`, such as "llama". */
  readonly modelType: string;
  readonly architectures: readonly string[];
  /** True where the key is there and not null. */
  has(key: string): boolean;
  /** Any finite number. */
  number<F = never>(key: string, ...fallback: [F?]): number | F;
  /** A finite number > 0. */
  positive<F = never>(key: string, ...fallback: [F?]): number | F;
  /** An integer >= 1: sizes and counts. */
  size<F = never>(key: string, ...fallback: [F?]): number | F;
  /** An integer >= 0: token ids. */
  index<F = never>(key: string, ...fallback: [F?]): number | F;
  string<F = never>(key: string, ...fallback: [F?]): string | F;
  boolean<F = never>(key: string, ...fallback: [F?]): boolean | F;
  object<F = never>(key: string, ...fallback: [F?]): JsonObject | F;
  /** `rope_parameters`, or `rope_theta` and `rope_scaling` of older files, in one form; of one layer type where they differ. */
  ropeParameters(layerType?: string, theta?: number): RopeParameters;
  /** `dtype`, or `torch_dtype` of older files: how the weights are stored. Undefined where it is not said. */
  storedDtype(): DType | undefined;
}

const CONFIG = "config.json";
const TORCH_DTYPES: Readonly<Record<string, string>> = { float32: "f32", float16: "f16", bfloat16: "bf16" };

/** Reads config.json. Missing or broken, or without `model_type`: an error that says so. */
export async function readConfig(files: ModelFiles): Promise<RawConfig> {
  return rawConfig(await readJson(files, CONFIG, { required: true }));
}

/** The accessors over a config.json that is parsed already. */
export function rawConfig(values: JsonObject): RawConfig {
  const lookup = (key: string): JsonValue | undefined =>
    Object.hasOwn(values, key) ? (values[key] ?? undefined) : undefined;

  function get<T extends JsonValue, F>(
    key: string,
    expected: string,
    accept: (value: JsonValue) => value is T & JsonValue,
    fallback: readonly [F?],
  ): T | F {
    const value = lookup(key);
    if (value === undefined) {
      if (fallback.length > 0) return fallback[0] as F;
      throw new FusewireError(`${CONFIG} has no '${key}'; add it (expected ${expected})`);
    }
    if (!accept(value))
      throw new FusewireError(`'${key}' of ${CONFIG} is ${kindOf(value)}, expected ${expected}; correct it`);
    return value;
  }

  const config: Omit<RawConfig, "modelType" | "architectures"> = {
    values,
    has: (key) => lookup(key) !== undefined,
    number: (key, ...fallback) => get(key, "a number", isNumber, fallback),
    positive: (key, ...fallback) => get(key, "a number > 0", isPositive, fallback),
    size: (key, ...fallback) => get(key, "an integer >= 1", isSize, fallback),
    index: (key, ...fallback) => get(key, "an integer >= 0", isIndex, fallback),
    string: (key, ...fallback) => get(key, "a text", isString, fallback),
    boolean: (key, ...fallback) => get(key, "true or false", isBoolean, fallback),
    object: (key, ...fallback) => get(key, "an object", isJsonObject, fallback),
    ropeParameters: (layerType, theta) => normaliseRope(values, layerType, theta),
    storedDtype() {
      const key = lookup("dtype") === undefined ? "torch_dtype" : "dtype";
      const name = get(key, "a text such as bfloat16", isString, [undefined]);
      return name === undefined ? undefined : dtypeOf(name, key);
    },
  };
  return {
    ...config,
    modelType: config.string("model_type"),
    architectures: get("architectures", "a list of texts", isStrings, [[]]),
  };
}

/** The same config under the keys that most families use, each from the key of its own that a family has, with values for those it leaves out. */
export function renamed(
  config: RawConfig,
  keys: Readonly<Record<string, string>>,
  defaults: (values: JsonObject) => JsonObject = () => ({}),
): RawConfig {
  const isThere = ([, value]: [string, JsonValue | undefined]) => value !== undefined && value !== null;
  const own = Object.entries(keys).map(([key, name]): [string, JsonValue | undefined] => [
    key,
    config.values[name],
  ]);
  const values = { ...config.values, ...Object.fromEntries(own.filter(isThere)) } as JsonObject;
  return rawConfig({ ...defaults(values), ...values });
}

function dtypeOf(name: string, key: string): DType {
  const dtype = TORCH_DTYPES[name.replace(/^torch\./, "")];
  if (dtype !== undefined && isDType(dtype)) return dtype;
  throw new FusewireError(
    `'${key}' of ${CONFIG} is '${name}'; supported are ${Object.keys(TORCH_DTYPES).join(", ")}: convert the checkpoint`,
  );
}

const isNumber = (value: JsonValue): value is number => typeof value === "number" && Number.isFinite(value);
const isPositive = (value: JsonValue): value is number => isNumber(value) && value > 0;
const isSize = (value: JsonValue): value is number =>
  Number.isSafeInteger(value) && isNumber(value) && value >= 1;
const isIndex = (value: JsonValue): value is number =>
  Number.isSafeInteger(value) && isNumber(value) && value >= 0;
const isString = (value: JsonValue): value is string => typeof value === "string";
const isBoolean = (value: JsonValue): value is boolean => typeof value === "boolean";
const isStrings = (value: JsonValue): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === "string");
