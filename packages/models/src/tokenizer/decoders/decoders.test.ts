import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { JsonObject } from "../../files/index.ts";
import { world } from "../library.ts";
import { createDecoder } from "./index.ts";

interface Golden {
  readonly rows: readonly (readonly string[])[];
  readonly cases: readonly { readonly settings: JsonObject; readonly texts: readonly string[] }[];
}

// What Hugging Face's tokenizers 0.23.3 gives.
const golden = JSON.parse(
  readFileSync(new URL("../../../../../test/goldens/tokenizers/decoders.json", import.meta.url), "utf8"),
) as Golden;

test.each(golden.cases)("$settings", ({ settings, texts }) => {
  const decode = createDecoder(settings, world);
  expect(golden.rows.map((row) => decode(row).join(""))).toEqual(texts);
});

test.each<[JsonObject, string]>([
  [{ type: "Magic" }, "the decoder 'Magic' of tokenizer.json is not supported; supported are BPEDecoder"],
  [
    { type: "Strip", content: " ", start: -1, stop: 0 },
    "'start' of the decoder 'Strip' in tokenizer.json is -1, expected an integer >= 0",
  ],
  [
    { type: "Metaspace", prepend_scheme: "last" },
    "'prepend_scheme' of the decoder 'Metaspace' in tokenizer.json is the text \"last\", expected \"always\"",
  ],
  [{ type: "BPEDecoder" }, "'suffix' of the decoder 'BPEDecoder' in tokenizer.json is undefined"],
])("%j is refused", (settings, message) => {
  expect(() => createDecoder(settings, world)).toThrow(message);
});
