import { type Tracer, toValue, trace } from "@fusewire/ir";
import { describe, expect, test } from "vitest";
import { encodeSafetensors, openCheckpoint } from "../checkpoint/index.ts";
import { memoryFiles } from "../files/index.ts";
import { hasOwnHead, type StoredWeights, storedWeights } from "./index.ts";

/** Numbers of a vector, or of a tensor with its shape. */
type Numbers = readonly number[] | { readonly shape: readonly number[]; readonly numbers: readonly number[] };

const open = (tensors: Readonly<Record<string, Numbers>>) =>
  openCheckpoint(
    memoryFiles({
      "model.safetensors": encodeSafetensors(
        new Map(
          Object.entries(tensors).map(([name, given]) => {
            const { shape, numbers } = "shape" in given ? given : { shape: [given.length], numbers: given };
            return [name, toValue({ dtype: "f32", shape }, [...numbers])];
          }),
        ),
      ),
    }),
  );

const UNTIED = { tied: undefined };
const TIED = { tied: "model.embed_tokens.weight" };

/** The numbers of a weight, as the graph's one param of that name. */
const numbersOf = async (weights: StoredWeights, weight: string) => {
  const part = weights.find(weight)?.parts.get(weight);
  return part && [...(await part.read()).data];
};

test.each([
  ["plain", "model.norm.weight", "model.norm.weight"],
  ["under another prefix", "model.norm.weight", "norm.weight"],
  ["under another prefix", "model.norm.weight", "transformer.norm.weight"],
  ["under another prefix", "model.decoder.norm.weight", "decoder.norm.weight"],
  ["under another prefix", "model.norm.weight", "model.model.norm.weight"],
  ["under another prefix", "transformer.wte.weight", "wte.weight"],
  ["under another prefix", "lm_head.weight", "model.lm_head.weight"],
])("%s: %s is %s", async (form, weight, tensor) => {
  const weights = storedWeights(await open({ [tensor]: [1, 2] }), UNTIED);
  expect(weights.find(weight)).toMatchObject({ form, tensors: [tensor], shape: [2] });
  expect(await numbersOf(weights, weight)).toEqual([1, 2]);
  expect(weights.lookedFor(weight)).toContain(tensor);
});

test("the plain name goes before others", async () => {
  const weights = storedWeights(await open({ "norm.weight": [1], "model.norm.weight": [2] }), UNTIED);
  expect(weights.find("model.norm.weight")?.tensors).toEqual(["model.norm.weight"]);
});

test("a tied embedding may have been kept as the head alone, another embedding not", async () => {
  const checkpoint = await open({ "lm_head.weight": [1] });
  expect(storedWeights(checkpoint, TIED).find(TIED.tied)).toMatchObject({
    form: "as the head that it is tied to",
    tensors: ["lm_head.weight"],
  });
  expect(storedWeights(checkpoint, UNTIED).find(TIED.tied)).toBeUndefined();
});

describe("matrices", () => {
  /** 4 rows of 2, and their bias. */
  const JOINED = {
    "h.0.qkv.weight": { shape: [4, 2], numbers: [0, 1, 10, 11, 20, 21, 30, 31] },
    "h.0.qkv.bias": { shape: [4], numbers: [0, 1, 2, 3] },
  };
  const LAYER = "transformer.h.0";

  test.each([
    ["transposed", { transposed: ["qkv"] }, "qkv.weight", [2, 4], [0, 10, 20, 30, 1, 11, 21, 31]],
    ["a bias is no matrix", { transposed: ["qkv"] }, "qkv.bias", [4], [0, 1, 2, 3]],
    ["rows", { joined: [{ name: "qkv", parts: { q: 2, k: 1, v: 1 } }] }, "k.weight", [1, 2], [20, 21]],
    ["rows of a bias", { joined: [{ name: "qkv", parts: { q: 2, k: 1, v: 1 } }] }, "q.bias", [2], [0, 1]],
    [
      "interleaved rows",
      { joined: [{ name: "qkv", parts: { k: 1, v: 1 }, repeats: 2 }] },
      "v.weight",
      [2, 2],
      [10, 11, 30, 31],
    ],
    [
      "rows of a transposed matrix",
      { transposed: ["qkv"], joined: [{ name: "qkv", parts: { k: 1, v: 1 } }] },
      "v.weight",
      [1, 4],
      [1, 11, 21, 31],
    ],
    [
      "reordered rows of a joined matrix",
      {
        joined: [{ name: "qkv", parts: { k: 1, v: 3 } }],
        reordered: [{ modules: ["v"], order: [2, 0, 1] }],
      },
      "v.weight",
      [3, 2],
      [30, 31, 10, 11, 20, 21],
    ],
  ] as const)("%s", async (_, keeping, weight, shape, numbers) => {
    const weights = storedWeights(await open(JOINED), { tied: undefined, ...keeping });
    const name = `${LAYER}.${weight}`;
    expect(weights.find(name)?.shape).toEqual(shape);
    expect(await numbersOf(weights, name)).toEqual(numbers);
  });

  const REFUSED = [
    [
      { name: "qkv", parts: { q: 2, v: 1 } },
      /'transformer.h.0.qkv.weight' .* is \[4,2\], but .* 3 rows, of q, v/,
    ],
    [
      { name: "qv", parts: { q: 2, v: 1 } },
      /no weight 'transformer.h.0.q.weight' \[2,2\] .*transformer.h.0.qv.weight/,
    ],
    [
      { name: "qkv", parts: { q: 3, v: 1 } },
      /'transformer.h.0.q.weight' .* is \[3,2\] \(.*\), but .* \[2,2\]/,
    ],
  ] as const;
  test.each(REFUSED)("%j is refused by name", async (matrix, message) => {
    const weights = storedWeights(await open(JOINED), { tied: undefined, joined: [matrix] });
    const main = (tracer: Tracer) => ({ y: weights.node(tracer, `${LAYER}.q.weight`, [2, 2]) });
    expect(() => trace({ main })).toThrow(message);
  });
});

test.each([
  ["the same numbers", [1, 2], false],
  ["another number at the end", [1, 3], true],
  ["another shape", [1, 2, 3], true],
])("a head beside a tied embedding: %s", async (_, head, own) => {
  const checkpoint = await open({ "model.embed_tokens.weight": [1, 2], "lm_head.weight": head });
  expect(await hasOwnHead(checkpoint, TIED)).toBe(own);
  expect(await hasOwnHead(checkpoint, UNTIED)).toBe(false);
});

test("a difference far behind is found", async () => {
  const numbers = new Array<number>(1_200_000).fill(1);
  const other = [...numbers.slice(0, -1), 2];
  const checkpoint = await open({ "model.embed_tokens.weight": numbers, "lm_head.weight": other });
  expect(await hasOwnHead(checkpoint, TIED)).toBe(true);
});
