import { FusewireError } from "@fusewire/ir";
import type { JsonObject, JsonValue } from "../files/index.ts";

const WHERE = "quantization_config of config.json";

/** One of the values that are read here; another one is refused by name. */
export function oneOf<T extends JsonValue>(
  settings: JsonObject,
  key: string,
  known: readonly T[],
  fallback: T,
): T {
  const value = settings[key] ?? fallback;
  const found = known.find((option) => option === value);
  if (found !== undefined) return found;
  throw new FusewireError(
    `${WHERE}: ${key} ${JSON.stringify(value)} is not read; ${known.map((option) => JSON.stringify(option)).join(", ")} are`,
  );
}

/** A whole number above 0, or -1 where the format has that for "all". */
export function countOf(settings: JsonObject, key: string, fallback: number): number {
  const value = settings[key] ?? fallback;
  if (typeof value === "number" && Number.isSafeInteger(value) && (value > 0 || value === -1)) return value;
  throw new FusewireError(`${WHERE}: ${key} is ${JSON.stringify(value)}, expected a whole number above 0`);
}
