import { FusewireError } from "@fusewire/ir";
import { isJsonObject, type JsonObject, type JsonValue, kindOf } from "../files/index.ts";

export const SPECIAL_NAMES = [
  "bos_token",
  "eos_token",
  "unk_token",
  "sep_token",
  "pad_token",
  "cls_token",
  "mask_token",
] as const;
export type SpecialName = (typeof SPECIAL_NAMES)[number];

/** The special tokens that a model names: those with a role, and others such as chat markers. */
export interface SpecialTokens {
  readonly named: { readonly [K in SpecialName]?: string };
  readonly extra: readonly string[];
  /** Of tokens that are written as objects: what they say of themselves, such as `lstrip`. */
  readonly flags: Readonly<Record<string, JsonObject>>;
}

/**
 * Special tokens from tokenizer_config.json, and from special_tokens_map.json for older files, where that one wins
 * unless tokenizer_config.json lists `added_tokens_decoder`.
 */
export function readSpecialTokens(config: JsonObject, map: JsonObject | undefined): SpecialTokens {
  const sources: [string, JsonObject][] = [["tokenizer_config.json", config]];
  if (map && config.added_tokens_decoder === undefined) sources.unshift(["special_tokens_map.json", map]);

  const named: { [K in SpecialName]?: string } = {};
  const flags: Record<string, JsonObject> = {};
  const read = (value: JsonValue | undefined, what: string): string => {
    const content = contentOf(value, what);
    if (isJsonObject(value)) {
      const { lstrip, rstrip, single_word, normalized } = value;
      const known = Object.entries({ lstrip, rstrip, single_word, normalized });
      flags[content] = Object.fromEntries(
        known.filter((entry): entry is [string, JsonValue] => entry[1] !== undefined),
      );
    }
    return content;
  };
  for (const name of SPECIAL_NAMES) {
    // An empty text stands for no token.
    const source = sources.find(([, values]) => ![undefined, null, ""].includes(values[name] as string));
    if (source) named[name] = read(source[1][name], `'${name}' of ${source[0]}`);
  }
  const extra = new Set<string>();
  for (const [file, values] of sources) {
    for (const key of ["additional_special_tokens", "extra_special_tokens"]) {
      const list = values[key] ?? [];
      // transformers v4 wrote extra_special_tokens as an object from roles to tokens.
      const tokens = isJsonObject(list) ? Object.values(list) : list;
      if (!Array.isArray(tokens))
        throw new FusewireError(
          `'${key}' of ${file} is ${kindOf(list)}, expected a list of tokens; correct it`,
        );
      for (const token of tokens.filter((one) => one !== "")) extra.add(read(token, `'${key}' of ${file}`));
    }
  }
  return { named, extra: [...extra], flags };
}

/** A token is written as text, or as an object with `content`. */
function contentOf(value: JsonValue | undefined, what: string): string {
  const content = isJsonObject(value) ? value.content : value;
  if (typeof content === "string") return content;
  throw new FusewireError(`${what} is ${kindOf(value)}, expected a token as text; correct it`);
}
