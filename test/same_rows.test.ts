/** Same row, same bits, over a whole model on the wasm engine: batches, padding, chunks, capacities and threads change nothing. */
import { createWasmEngine } from "@fusewire/backend-wasm";
import { loadCausalLM } from "@fusewire/generate";
import { floats } from "@fusewire/ir";
import { embeddedModel, openModelDirectory } from "@fusewire/models/node";
import { DEFAULT_BUCKETS } from "@fusewire/passes";
import { expect, test } from "vitest";

const PROMPTS = [
  Array.from({ length: 5 }, (_, i) => 40 + 7 * i),
  Array.from({ length: 23 }, (_, i) => 300 + ((i * 17) % 900)),
  Array.from({ length: 70 }, (_, i) => 100 + ((i * 31) % 2000)),
];

/** The scores after the last token of each prompt, as bits. */
async function lastScores(
  prompts: readonly (readonly number[])[],
  { threads, chunk, capacity }: { threads: number; chunk: readonly number[]; capacity: number },
): Promise<string[]> {
  const engine = await createWasmEngine({ threads });
  const buckets = { ...DEFAULT_BUCKETS, chunk, capacity };
  const model = await loadCausalLM(await openModelDirectory(embeddedModel("tales-draft")), {
    engine,
    buckets,
  });
  const longest = Math.max(...prompts.map(({ length }) => length));
  const pads = prompts.map((prompt) => new Array<number>(longest - prompt.length).fill(0));
  const { logits } = await model.forward({
    input_ids: prompts.map((prompt, b) => [...pads[b]!, ...prompt]),
    attention_mask: prompts.map((prompt, b) => [...pads[b]!, ...prompt.map(() => 1)]),
  });
  await model.dispose();
  engine.dispose();
  const [, length, vocabulary] = logits.type.shape as [number, number, number];
  return prompts.map((_, b) => {
    const end = (b + 1) * length * vocabulary;
    return Buffer.from(floats(logits).slice(end - vocabulary, end).buffer).toString("base64");
  });
}

test("a prompt scores the same alone, in a batch, in other chunks, capacities and numbers of threads", async () => {
  const usual = { threads: 1, chunk: [8, 64, 256], capacity: 128 };
  const expected = await lastScores(PROMPTS, usual);
  for (const [b, prompt] of PROMPTS.entries())
    expect(await lastScores([prompt], { threads: 3, chunk: [16], capacity: 512 })).toEqual([expected[b]]);
  const [short, middle, long] = PROMPTS as [number[], number[], number[]];
  expect(await lastScores([middle, short, long], { ...usual, threads: 2, chunk: [4, 32] })).toEqual([
    expected[1],
    expected[0],
    expected[2],
  ]);
});
