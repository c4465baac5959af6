import { FusewireError } from "@fusewire/ir";
import { type JsonObject, type JsonValue, kindOf } from "../../files/index.ts";

/** Cuts a text into words, of which the model makes tokens. `isStart` tells whether it is the start of the whole text. */
export type PreTokenizer = (text: string, isStart: boolean) => readonly string[];

/** What the parts of a pre-tokenizer may ask for. */
export interface PreTokenizerWorld {
  /** A `pattern` of tokenizer.json as a regular expression, from the library, which knows Oniguruma's spelling. */
  readonly patternOf: (pattern: JsonObject) => RegExp;
}

/** Makes one kind of pre-tokenizer from its settings in tokenizer.json. */
export type PreTokenizerKind = (settings: JsonObject, world: PreTokenizerWorld) => PreTokenizer;

/** One of a few words in the settings. */
export function wordIn<Word extends string>(
  settings: JsonObject,
  key: string,
  words: readonly Word[],
  otherwise: Word,
): Word {
  const value: JsonValue | undefined = settings[key] ?? undefined;
  if (value === undefined) return otherwise;
  const found = words.find((word) => word === value);
  if (found !== undefined) return found;
  throw new FusewireError(
    `'${key}' of the pre-tokenizer '${String(settings.type)}' in tokenizer.json is ${kindOf(value)}; known are ${words.join(", ")}`,
  );
}
