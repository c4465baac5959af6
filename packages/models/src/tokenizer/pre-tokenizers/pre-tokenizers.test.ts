import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { JsonObject } from "../../files/index.ts";
import { world } from "../library.ts";
import { createPreTokenizer } from "./index.ts";

interface Golden {
  readonly texts: readonly string[];
  readonly cases: readonly {
    readonly settings: JsonObject;
    readonly words: readonly (readonly string[])[];
  }[];
}

// The words of Hugging Face's tokenizers 0.23.3.
const golden = JSON.parse(
  readFileSync(
    new URL("../../../../../test/goldens/tokenizers/pre_tokenizers.json", import.meta.url),
    "utf8",
  ),
) as Golden;

test.each(golden.cases)("$settings", ({ settings, words }) => {
  const cut = createPreTokenizer(settings, world);
  for (const [i, text] of golden.texts.entries())
    expect(cut(text, true), JSON.stringify(text)).toEqual(words[i]);
});

test.each<[JsonObject, string]>([
  [
    { type: "UnicodeScripts" },
    "the pre-tokenizer 'UnicodeScripts' of tokenizer.json is not supported; supported are Bert",
  ],
  [{ type: "constructor" }, "the pre-tokenizer 'constructor' of tokenizer.json is not supported"],
  [
    { type: "Punctuation", behavior: "Kept" },
    "'behavior' of the pre-tokenizer 'Punctuation' in tokenizer.json is the text \"Kept\"",
  ],
  [
    { type: "Split", pattern: "x", behavior: "Removed" },
    "'pattern' of the pre-tokenizer 'Split' in tokenizer.json is the text",
  ],
  [{ type: "Sequence" }, "'pretokenizers' of tokenizer.json is undefined, expected a list"],
])("%j is refused", (settings, message) => {
  expect(() => createPreTokenizer(settings, world)).toThrow(message);
});
