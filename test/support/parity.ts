/** Golden models against Hugging Face's own numbers. */
import { readdirSync } from "node:fs";
import type { CausalLM } from "@fusewire/generate";
import { floats } from "@fusewire/ir";
import { OPTIONAL_PASSES } from "@fusewire/passes";
import { describe, expect, test } from "vitest";
import { withModel } from "./engines.ts";
import { goldenPath } from "./goldens.ts";
import { inputsOf, largestDifference, numbers, openArrays, readGolden } from "./read.ts";

interface Expected {
  readonly batch: { readonly input_ids: number[][]; readonly decode_input_ids: number[] };
  readonly left_padded: { readonly input_ids: number[][]; readonly attention_mask: number[][] };
  readonly greedy: { readonly max_new_tokens: number; readonly new_tokens: number[][] };
}

/** f32 sums in another order: the tolerance of the goldens' README. */
const LOGITS = 3e-4;

export const MODELS = readdirSync(goldenPath("models"));
/** With all passes, and with none. */
export const PASSES = { fused: [], unfused: OPTIONAL_PASSES } as const;

/** Tokens and scores of models on a device. */
export function describeParity(device: string, how: keyof typeof PASSES, models = MODELS): void {
  const disable_passes = PASSES[how];
  describe.each(models)(`%s on ${device}, ${how}`, (name) => {
    const directory = goldenPath("models", name);
    const expected = readGolden<Expected>(`${directory}/expected.json`);
    const loaded = <T>(body: (model: CausalLM) => Promise<T>) =>
      withModel(directory, device, body, { disable_passes });

    test("greedy tokens are identical", () =>
      loaded(async (model) => {
        const { max_new_tokens, new_tokens } = expected.greedy;
        const result = await model.generate(inputsOf(expected.left_padded), {
          max_new_tokens,
          eos_token_id: [],
        });
        expect(result.new_tokens).toEqual(new_tokens);
        expect(result.sequences).toEqual(
          expected.left_padded.input_ids.map((row, b) => [...row, ...new_tokens[b]!]),
        );
      }));

    test("logits agree, at every real position and after decoding one more token", () =>
      loaded(async (model) => {
        const arrays = await openArrays(`${directory}/expected.safetensors`);
        const batch = await model.forward(inputsOf(expected.batch));
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

        const padded = await model.forward(inputsOf(expected.left_padded));
        const mask = expected.left_padded.attention_mask.flat();
        const position = (i: number) => floats(padded.logits).subarray(i * vocabulary, (i + 1) * vocabulary);
        const real = mask.flatMap((seen, i) => (seen === 1 ? [...position(i)] : []));
        expect(largestDifference(real, await numbers(arrays("left_padded.logits")))).toBeLessThan(LOGITS);
        expect(mask.every((seen, i) => seen === 1 || position(i).every((x) => x === 0))).toBe(true);
      }));

    test("hidden states agree: the embedding, and what comes out of each layer", () =>
      loaded(async (model) => {
        const arrays = await openArrays(`${directory}/expected.safetensors`);
        const { input_ids } = expected.batch;
        const { hidden_states = [], logits } = await model.forward(
          { input_ids },
          { output_hidden_states: true, logits_to_keep: 1 },
        );
        expect(hidden_states).toHaveLength(model.config.num_hidden_layers + 1);
        for (const [i, state] of hidden_states.entries())
          expect(
            largestDifference(floats(state), await numbers(arrays(`batch.hidden_states.${i}`))),
          ).toBeLessThan(LOGITS);
        const alone = await model.forward({ input_ids }, { logits_to_keep: 1 });
        expect(logits.type).toEqual(alone.logits.type);
        expect(largestDifference(floats(logits), [...floats(alone.logits)])).toBeLessThan(LOGITS);
      }));
  });
}

/** Chunks of 8 tokens leave rings of 15 slots for a window of 8, so that 38 tokens go round more than twice. */
const RINGS = { batch: [1, 2, 4], chunk: [8], capacity: 128 };

/** Caches of sliding windows that are shorter than the text. */
export function describeRings(device: string): void {
  describe(`sliding windows in rings on ${device}`, () => {
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
          const result = await model.generate(inputsOf(expected.left_padded), {
            max_new_tokens,
            eos_token_id: [],
          });
          expect(result.new_tokens).toEqual(new_tokens);
          const flat = await withModel(goldenPath("models", name), device, async (other, held) => {
            await other.generate(inputsOf(expected.left_padded), { max_new_tokens, eos_token_id: [] });
            return held.held().bytes;
          });
          expect(engine.held().bytes).toBeLessThan(flat);
        },
        { disable_passes, buckets: RINGS },
      ),
    );
  });
}
