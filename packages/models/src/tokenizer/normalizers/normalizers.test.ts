import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { JsonObject } from "../../files/index.ts";
import { world } from "../library.ts";
import { createNormalizer } from "./index.ts";

interface Golden {
  readonly texts: readonly string[];
  readonly cases: readonly { readonly settings: JsonObject; readonly normalized: readonly string[] }[];
}

// What Hugging Face's tokenizers 0.23.3 gives.
const golden = JSON.parse(
  readFileSync(new URL("../../../../../test/goldens/tokenizers/normalizers.json", import.meta.url), "utf8"),
) as Golden;

test.each(golden.cases)("$settings", ({ settings, normalized }) => {
  const normalizer = createNormalizer(settings, world);
  expect(golden.texts.map((text) => normalizer.normalize(text))).toEqual(normalized);
});

test.each<[JsonObject, string]>([
  [
    { type: "ByteLevel" },
    "the normalizer 'ByteLevel' of tokenizer.json is not supported; supported are Bert",
  ],
  [
    { type: "Prepend" },
    "'prepend' of the normalizer 'Prepend' in tokenizer.json is undefined, expected a text",
  ],
  [
    { type: "Replace", pattern: "x", content: "" },
    "'pattern' of the normalizer 'Replace' in tokenizer.json is",
  ],
  [{ type: "Sequence" }, "'normalizers' of tokenizer.json is undefined, expected a list"],
])("%j is refused", (settings, message) => {
  expect(() => createNormalizer(settings, world)).toThrow(message);
});
