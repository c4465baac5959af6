import { toValue } from "@fusewire/ir";
import { expect, test } from "vitest";
import { encodeSafetensors, openCheckpoint } from "../checkpoint/index.ts";
import { memoryFiles } from "../files/index.ts";
import { hasOwnHead, storedWeights } from "./index.ts";

const open = (tensors: Readonly<Record<string, readonly number[]>>) =>
  openCheckpoint(
    memoryFiles({
      "model.safetensors": encodeSafetensors(
        new Map(
          Object.entries(tensors).map(([name, numbers]) => [
            name,
            toValue({ dtype: "f32", shape: [numbers.length] }, [...numbers]),
          ]),
        ),
      ),
    }),
  );

const UNTIED = { tied: undefined };
const TIED = { tied: "model.embed_tokens.weight" };

test.each([
  ["plain", "model.norm.weight", "model.norm.weight"],
  ["under another prefix", "model.norm.weight", "norm.weight"],
  ["under another prefix", "model.norm.weight", "transformer.norm.weight"],
  ["under another prefix", "model.decoder.norm.weight", "decoder.norm.weight"],
  ["under another prefix", "model.norm.weight", "model.model.norm.weight"],
  ["under another prefix", "lm_head.weight", "model.lm_head.weight"],
])("%s: %s is %s", async (form, weight, tensor) => {
  const weights = storedWeights(await open({ [tensor]: [1, 2] }), UNTIED);
  expect(weights.find(weight)).toMatchObject({ form, tensor, type: { dtype: "f32", shape: [2] } });
  expect([...(await weights.read(weight)).data]).toEqual([1, 2]);
  expect(weights.lookedFor(weight)).toContain(tensor);
});

test("the plain name goes before others", async () => {
  const weights = storedWeights(await open({ "norm.weight": [1], "model.norm.weight": [2] }), UNTIED);
  expect(weights.find("model.norm.weight")?.tensor).toBe("model.norm.weight");
});

test("a tied embedding may have been kept as the head alone, another embedding not", async () => {
  const checkpoint = await open({ "lm_head.weight": [1] });
  expect(storedWeights(checkpoint, TIED).find(TIED.tied)?.tensor).toBe("lm_head.weight");
  expect(storedWeights(checkpoint, UNTIED).find(TIED.tied)).toBeUndefined();
  await expect(storedWeights(checkpoint, UNTIED).read(TIED.tied)).rejects.toThrow(
    "has no weight 'model.embed_tokens.weight'",
  );
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
