/** Every golden model against Hugging Face's own numbers, on every engine, with all passes and with none. */
import { readdirSync } from "node:fs";
import type { CausalLM } from "@fusewire/generate";
import { floats } from "@fusewire/ir";
import { OPTIONAL_PASSES } from "@fusewire/passes";
import { describe, expect, test } from "vitest";
import { ENGINES, withModel } from "./support/engines.ts";
import { goldenPath } from "./support/goldens.ts";
import { largestDifference, numbers, openArrays, readGolden } from "./support/read.ts";

interface Expected {
  readonly batch: { readonly input_ids: number[][]; readonly decode_input_ids: number[] };
  readonly left_padded: { readonly input_ids: number[][]; readonly attention_mask: number[][] };
  readonly greedy: { readonly max_new_tokens: number; readonly new_tokens: number[][] };
}

/** f32 sums in another order: the tolerance of the goldens' README. */
const LOGITS = 3e-4;

const MODELS = readdirSync(goldenPath("models"));
const PASSES = { fused: [], unfused: OPTIONAL_PASSES } as const;

for (const device of Object.keys(ENGINES))
  for (const [how, disable_passes] of Object.entries(PASSES))
    describe.each(MODELS)(`%s on ${device}, ${how}`, (name) => {
      const directory = goldenPath("models", name);
      const expected = readGolden<Expected>(`${directory}/expected.json`);
      const loaded = <T>(body: (model: CausalLM) => Promise<T>) =>
        withModel(directory, device, body, { disable_passes });

      test("greedy tokens are identical", () =>
        loaded(async (model) => {
          const { max_new_tokens, new_tokens } = expected.greedy;
          const result = await model.generate(expected.left_padded, { max_new_tokens, eos_token_id: [] });
          expect(result.new_tokens).toEqual(new_tokens);
          expect(result.sequences).toEqual(
            expected.left_padded.input_ids.map((row, b) => [...row, ...new_tokens[b]!]),
          );
        }));

      test("logits agree, at every real position and after decoding one more token", () =>
        loaded(async (model) => {
          const arrays = await openArrays(`${directory}/expected.safetensors`);
          const batch = await model.forward(expected.batch);
          expect(largestDifference(floats(batch.logits), await numbers(arrays("batch.logits")))).toBeLessThan(
            LOGITS,
          );

          const longer = expected.batch.input_ids.map((row, b) => [
            ...row,
            expected.batch.decode_input_ids[b]!,
          ]);
          const { logits } = await model.forward({ input_ids: longer });
          const [rows, length, vocabulary] = logits.type.shape as [number, number, number];
          const last = Array.from({ length: rows }, (_, b) => {
            const end = (b + 1) * length * vocabulary;
            return [...floats(logits).subarray(end - vocabulary, end)];
          }).flat();
          expect(largestDifference(last, await numbers(arrays("batch.decode_logits")))).toBeLessThan(LOGITS);

          const padded = await model.forward(expected.left_padded);
          const mask = expected.left_padded.attention_mask.flat();
          const position = (i: number) =>
            floats(padded.logits).subarray(i * vocabulary, (i + 1) * vocabulary);
          const real = mask.flatMap((seen, i) => (seen === 1 ? [...position(i)] : []));
          expect(largestDifference(real, await numbers(arrays("left_padded.logits")))).toBeLessThan(LOGITS);
          expect(mask.every((seen, i) => seen === 1 || position(i).every((x) => x === 0))).toBe(true);
        }));
    });

/** Chunks of 8 tokens leave rings of 15 slots for a window of 8, so that 38 tokens go round more than twice. */
const RINGS = { batch: [1, 2, 4], chunk: [8], capacity: 128 };

describe.each(Object.keys(ENGINES))("sliding windows in rings on %s", (device) => {
  test.each([
    ["mistral-window", []],
    ["mistral-window", OPTIONAL_PASSES],
    ["gemma2", []],
  ] as const)("%s without passes %j", (name, disable_passes) =>
    withModel(
      goldenPath("models", name),
      device,
      async (model, engine) => {
        const expected = readGolden<Expected>(goldenPath("models", name, "expected.json"));
        const { max_new_tokens, new_tokens } = expected.greedy;
        const result = await model.generate(expected.left_padded, { max_new_tokens, eos_token_id: [] });
        expect(result.new_tokens).toEqual(new_tokens);
        const flat = await withModel(goldenPath("models", name), device, async (other, held) => {
          await other.generate(expected.left_padded, { max_new_tokens, eos_token_id: [] });
          return held.held().bytes;
        });
        expect(engine.held().bytes).toBeLessThan(flat);
      },
      { disable_passes, buckets: RINGS },
    ),
  );
});
