import { FusewireError } from "@fusewire/ir";
import { isJsonObject, type JsonObject, type JsonValue, kindOf } from "../files/index.ts";

/** Parts of tokenizer.json: each is an object whose `type` says what it is, alone or in a Sequence. */

/** What parts get from `@huggingface/tokenizers`. */
export interface PartWorld {
  /** A `pattern` as a global regular expression: the library knows Oniguruma's spelling. */
  readonly patternOf: (pattern: JsonObject) => RegExp;
  /** The normalizer of a SentencePiece model's character map. */
  readonly precompiled: (settings: JsonObject) => (text: string) => string;
}

/** Makes one kind of part from its settings. */
export type PartKind<Part> = (settings: JsonObject, world: PartWorld) => Part;

/** The part that `value` describes. One that is not built is refused by its type. */
export function createPart<Part>(
  what: string,
  kinds: Readonly<Record<string, PartKind<Part>>>,
  value: JsonValue,
  world: PartWorld,
): Part {
  const type = isJsonObject(value) ? String(value.type) : kindOf(value);
  const kind = isJsonObject(value) && Object.hasOwn(kinds, type) ? kinds[type] : undefined;
  if (isJsonObject(value) && kind) return kind(value, world);
  throw new FusewireError(
    `the ${what} '${type}' of tokenizer.json is not supported; supported are ${Object.keys(kinds).join(", ")}`,
  );
}

/** The parts of a Sequence. */
export function listIn(settings: JsonObject, key: string): readonly JsonValue[] {
  const value = settings[key];
  if (Array.isArray(value)) return value;
  throw new FusewireError(
    `'${key}' of tokenizer.json is ${kindOf(value)}, expected a list; download the file again`,
  );
}

/** The pattern of a Split or a Replace. */
export function patternIn(settings: JsonObject, what: string, world: PartWorld): RegExp {
  const { pattern } = settings;
  if (isJsonObject(pattern)) return world.patternOf(pattern);
  throw wrongSetting(settings, "pattern", what, "an object");
}

/** A text among the settings. */
export function textIn(settings: JsonObject, key: string, what: string): string {
  const value = settings[key];
  if (typeof value === "string") return value;
  throw wrongSetting(settings, key, what, "a text");
}

/** One of a few words among the settings. */
export function wordIn<Word extends string>(
  settings: JsonObject,
  key: string,
  what: string,
  words: readonly Word[],
  otherwise: Word,
): Word {
  const value = settings[key] ?? undefined;
  const found = value === undefined ? otherwise : words.find((word) => word === value);
  if (found !== undefined) return found;
  throw wrongSetting(settings, key, what, words.map((word) => JSON.stringify(word)).join(", "));
}

/** A count among the settings. */
export function countIn(settings: JsonObject, key: string, what: string): number {
  const value = settings[key];
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrongSetting(settings, key, what, "an integer >= 0");
}

const wrongSetting = (settings: JsonObject, key: string, what: string, expected: string): FusewireError =>
  new FusewireError(
    `'${key}' of the ${what} '${String(settings.type)}' in tokenizer.json is ${kindOf(settings[key])}, expected ${expected}; download the file again`,
  );
