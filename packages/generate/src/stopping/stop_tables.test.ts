import { interpret, toValue, trace, type Value } from "@fusewire/ir";
import fc from "fast-check";
import { expect, test } from "vitest";
import { endsRow } from "./ends.ts";
import { type StopTables, stopTables } from "./stop_tables.ts";

const utf8 = new TextEncoder();
const vocabularyOf = (texts: readonly string[]) => ({
  token_bytes: (id: number) => (texts[id] === undefined ? undefined : utf8.encode(texts[id])),
});

/** Whether the last of the tokens completes a stop string, by the traced function. */
function isFound({ shape, inputs }: StopTables, ids: readonly number[]): boolean {
  const before = ids.slice(0, -1);
  const capacity = 16;
  const module = trace({
    ends: (tracer) => ({
      found: endsRow(
        tracer,
        {
          token: tracer.input("token", { dtype: "i32", shape: [1] }),
          eos: tracer.input("eos", { dtype: "i32", shape: [1, 1] }),
          ids: tracer.input("ids", { dtype: "i32", shape: [1, capacity] }),
          lengths: tracer.input("lengths", { dtype: "i32", shape: [1] }),
        },
        shape,
      ),
    }),
  });
  const vector = (shape: number[], data: readonly number[]): Value => toValue({ dtype: "i32", shape }, data);
  const given: Record<string, Value> = {
    ...inputs,
    token: vector([1], ids.slice(-1)),
    eos: vector([1, 1], [-1]),
    // What lies behind the row's length is of an older text.
    ids: vector([1, capacity], [...before, ...new Array<number>(capacity - before.length).fill(ids[0]!)]),
    lengths: vector([1], [before.length]),
  };
  return interpret(module, "ends", { inputs: (name) => given[name]! }).outputs.get("found")!.data[0] === 1;
}

/** The same by looking through the text: a string that ends inside the last token, and not before it. */
function occurs(texts: readonly string[], ids: readonly number[], strings: readonly string[]): boolean {
  const before = ids.slice(0, -1).map((id) => texts[id]!);
  const text = [...before, texts[ids.at(-1)!]!].join("");
  return strings.some((string) => {
    const last = text.lastIndexOf(string);
    return last >= 0 && last + string.length > before.join("").length;
  });
}

test("what the tables find is what a search through the text finds", () => {
  const word = fc
    .array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 4 })
    .map((w) => w.join(""));
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 2, maxLength: 8 }),
      fc.array(word, { minLength: 1, maxLength: 3 }),
      fc.array(fc.nat(7), { minLength: 1, maxLength: 12 }),
      (words, strings, picks) => {
        // Every letter is a token, so that any string can be ended.
        const texts = ["a", "b", "c", ...words];
        const ids = picks.map((pick) => pick % texts.length);
        const tables = stopTables(vocabularyOf(texts), strings, texts.length);
        expect(isFound(tables, ids)).toBe(occurs(texts, ids, strings));
      },
    ),
    { numRuns: 400 },
  );
});

// The examples of Hugging Face's StopStringCriteria for the string "stop".
test.each([
  [["st", "op"], true],
  [["stop"], true],
  [["st", "opera"], true],
  [["sto", "pper"], true],
  [["las", "topper"], true],
  [["s", "to", "pped"], true],
  [["stop", "at"], false],
  [["st", "op", "at"], false],
  [["st", "opera", "tion"], false],
  [["s", "", "top"], true],
])("%j", (tokens, found) => {
  const texts = [...new Set(tokens)];
  const tables = stopTables(vocabularyOf(texts), ["stop"], texts.length + 1);
  const ids = tokens.map((token) => texts.indexOf(token));
  expect(isFound(tables, ids)).toBe(found);
});

test("characters of several bytes are found across tokens that cut them", () => {
  const bytes = utf8.encode("é");
  const tokenizer = { token_bytes: (id: number) => (id < 2 ? bytes.subarray(id, id + 1) : undefined) };
  const tables = stopTables(tokenizer, ["é"], 3);
  expect([[0, 1], [1, 0], [1], [0, 2]].map((ids) => isFound(tables, ids))).toEqual([
    true,
    false,
    false,
    false,
  ]);
});

test("a large vocabulary in which most tokens match has few classes", () => {
  const words = ["end.", ".", "a.b", "n"];
  const tokenizer = { token_bytes: (id: number) => utf8.encode(words[id % words.length]) };
  const { inputs } = stopTables(tokenizer, ["."], 200_000);
  expect(new Set(inputs["stop.class"]!.data)).toEqual(new Set([0, 1]));
});

test("a string that no token can end is refused", () => {
  expect(() => stopTables(vocabularyOf(["a"]), ["ab"], 2)).toThrow(
    "stop_strings: no token of the vocabulary can end 'ab'",
  );
});
