import { expect, test } from "vitest";
import type { JsonObject } from "../files/index.ts";
import { world } from "./library.ts";
import { createFrame } from "./post-processor.ts";

const text = { Sequence: { id: "A", type_id: 0 } };
const token = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
const template = (single: readonly object[], ids: Readonly<Record<string, number[]>>): JsonObject =>
  JSON.parse(
    JSON.stringify({
      type: "TemplateProcessing",
      single,
      special_tokens: Object.fromEntries(Object.entries(ids).map(([id, some]) => [id, { id, ids: some }])),
    }),
  );
const bert: JsonObject = { type: "BertProcessing", sep: ["[SEP]", 3], cls: ["[CLS]", 2] };

// What Hugging Face's tokenizers 0.23.3 puts around a text.
test.each<[string, JsonObject, number[], number[]]>([
  ["ByteLevel", { type: "ByteLevel", trim_offsets: true }, [], []],
  ["BertProcessing", bert, [2], [3]],
  ["RobertaProcessing", { ...bert, type: "RobertaProcessing" }, [2], [3]],
  ["a template", template([token("x"), text, token("y"), token("x")], { x: [7], y: [8, 9] }), [7], [8, 9, 7]],
  [
    "a template around another frame",
    {
      type: "Sequence",
      processors: [bert, template([token("x"), text], { x: [5] }), { type: "ByteLevel" }],
    },
    [5, 2],
    [3],
  ],
])("%s", (_, settings, prefix, suffix) => {
  expect(createFrame(settings, world)).toEqual({ prefix, suffix });
});

test.each<[JsonObject, string]>([
  [{ type: "Magic" }, "the post-processor 'Magic' of tokenizer.json is not supported; supported are Bert"],
  [template([token("x")], { x: [1] }), "does not keep a text as one piece"],
  [template([text, text], {}), "does not keep a text as one piece"],
  [template([text, token("x")], {}), "'special_tokens' has no ids of 'x'"],
  [
    { type: "Sequence", processors: [template([token("x"), text], { x: [5] }), bert] },
    "adds tokens behind a TemplateProcessing, which is not supported",
  ],
  [{ ...bert, cls: "[CLS]" }, "'cls' is the text \"[CLS]\", expected [token, id]"],
])("%j is refused", (settings, message) => {
  expect(() => createFrame(settings, world)).toThrow(message);
});
