import { FusewireError } from "@fusewire/ir";
import { isJsonObject, type JsonObject, type JsonValue, kindOf } from "../files/index.ts";

/** What says how positions turn into angles, in the spelling of transformers v5. */
export interface RopeParameters {
  readonly rope_type: string;
  readonly rope_theta: number;
  readonly factor?: number;
  readonly low_freq_factor?: number;
  readonly high_freq_factor?: number;
  readonly original_max_position_embeddings?: number;
  readonly partial_rotary_factor?: number;
  readonly attention_factor?: number;
  readonly beta_fast?: number;
  readonly beta_slow?: number;
  readonly mscale?: number;
  readonly mscale_all_dim?: number;
  /** Of yarn: whether the range of mixed dimensions ends at whole numbers; true unless said otherwise. */
  readonly truncate?: boolean;
}

const NUMBERS = [
  "factor",
  "low_freq_factor",
  "high_freq_factor",
  "original_max_position_embeddings",
  "partial_rotary_factor",
  "attention_factor",
  "beta_fast",
  "beta_slow",
  "mscale",
  "mscale_all_dim",
] as const;
const DEFAULT_THETA = 10_000;

/**
 * One form from `rope_parameters` (v5) or from `rope_theta` and `rope_scaling` (v4) of a config.json. Where both are,
 * `rope_scaling` was added by a user, as model cards say, and replaces the other whole, as in transformers. Types of layers
 * may have parameters of their own.
 */
export function normaliseRope(
  config: JsonObject,
  layerType?: string,
  defaultTheta = DEFAULT_THETA,
): RopeParameters {
  const key = isTruthy(config.rope_scaling) ? "rope_scaling" : "rope_parameters";
  const given = config[key];
  if (isPresent(given) && !isJsonObject(given))
    throw new FusewireError(`'${key}' of config.json is ${kindOf(given)}, expected an object; correct it`);
  const all: JsonObject = isPresent(given) && isJsonObject(given) ? given : {};
  const ofType = layerType === undefined ? undefined : all[layerType];
  const rope = isPresent(ofType) && isJsonObject(ofType) ? ofType : all;
  const nested = Object.entries(rope).find(([, value]) => isJsonObject(value));
  if (nested)
    throw new FusewireError(
      `'${key}' of config.json has parameters of its own for '${nested[0]}' layers; models with one rotary embedding for all layers are supported`,
    );

  // Files of 2023 say "type".
  const type = rope.rope_type ?? rope.type ?? "default";
  if (typeof type !== "string")
    throw new FusewireError(
      `'${key}.rope_type' of config.json is ${kindOf(type)}, expected a text; correct it`,
    );
  const theta = rope.rope_theta ?? config.rope_theta ?? defaultTheta;
  const numbers: Partial<Record<(typeof NUMBERS)[number], number>> = {};
  for (const name of NUMBERS) {
    const value = numberOf(name, rope, config);
    if (isPresent(value) && !isOff(name, value)) numbers[name] = positive(value, `${key}.${name}`);
  }
  return {
    rope_type: type,
    rope_theta: positive(theta, "rope_theta"),
    ...numbers,
    ...(rope.truncate === false && { truncate: false }),
  };
}

/**
 * transformers looks for some numbers beside `rope_scaling` as well: an original context there counts more than one
 * inside, and without either the model's own context is the original.
 */
function numberOf(
  name: (typeof NUMBERS)[number],
  rope: JsonObject,
  config: JsonObject,
): JsonValue | undefined {
  if (name === "partial_rotary_factor") return rope[name] ?? config[name];
  if (name === "original_max_position_embeddings")
    return config[name] ?? rope[name] ?? config.max_position_embeddings;
  return rope[name];
}

/** DeepSeek's scales count only where neither is 0. */
const isOff = (name: (typeof NUMBERS)[number], value: JsonValue): boolean =>
  value === 0 && (name === "mscale" || name === "mscale_all_dim");

/** An empty object counts as nothing in Python. */
const isTruthy = (value: JsonValue | undefined): boolean =>
  isPresent(value) && !(isJsonObject(value) && Object.keys(value).length === 0);

const isPresent = (value: JsonValue | undefined): value is Exclude<JsonValue, null> =>
  value !== undefined && value !== null;

function positive(value: JsonValue, name: string): number {
  if (typeof value === "number" && Number.isFinite(value) && value > 0) return value;
  throw new FusewireError(`'${name}' of config.json is ${kindOf(value)}, expected a number > 0; correct it`);
}
