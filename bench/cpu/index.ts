// CPU engines side by side: `tsx bench/cpu/index.ts <model folder> [rounds] [threads,…]`. Every engine is loaded and
// warmed first, then each decodes and prefills in turn, so that a busy machine is busy for all of them; read the ratios
// and the best round rather than the medians. Peers that are not tfjs take part when they are installed here.

import { createEagerEngine } from "@fusewire/backend-tfjs";
import { createWasmEngine } from "@fusewire/backend-wasm";
import { loadCausalLM, type WeightDType } from "@fusewire/generate";
import { openModelDirectory } from "@fusewire/models/node";
import type { Engine } from "@fusewire/passes";
import type { Contestant, Round } from "./contestant.ts";
import { openLlamaCpp } from "./llama_cpp.ts";
import { measureRead } from "./read_bandwidth.ts";

const NEW_TOKENS = 48;
const PROMPT = 16;
const LONG_PROMPT = 512;

const prompt = (length: number): number[] => Array.from({ length }, (_, k) => 500 + ((k * 37) % 3000));

async function ours(
  name: string,
  directory: string,
  dtype: WeightDType,
  engine: Engine,
): Promise<Contestant> {
  const model = await loadCausalLM(await openModelDirectory(directory), { engine, dtype });
  const generate = (length: number, count: number) =>
    model.generate({ input_ids: [prompt(length)] }, { max_new_tokens: count, eos_token_id: [] });
  const timed = async (length: number, count: number): Promise<number> => {
    const start = performance.now();
    await generate(length, count);
    return performance.now() - start;
  };
  await generate(PROMPT, 2);
  await generate(LONG_PROMPT + 1, 1);
  const bytes = engine.held().bytes;
  return {
    name,
    bytes,
    async round(): Promise<Round> {
      // The difference of two runs, so that the prompt does not count as decoding.
      const [short, long] = [await timed(PROMPT, 1), await timed(PROMPT, 1 + NEW_TOKENS)];
      const prefill = await timed(LONG_PROMPT + 1, 1);
      return { decode: (1000 * NEW_TOKENS) / (long - short), prefill: (1000 * LONG_PROMPT) / prefill };
    },
    async dispose() {
      await model.dispose();
      engine.dispose();
    },
  };
}

async function main(): Promise<void> {
  const [directory, roundsText = "5", threadsText = "1,2", gguf] = process.argv.slice(2);
  if (!directory)
    throw new Error("usage: tsx bench/cpu/index.ts <model folder> [rounds] [threads,…] [gguf file]");
  const contestants: Contestant[] = [];
  for (const threads of threadsText.split(",").map(Number)) {
    for (const dtype of ["auto", "q8", "q4"] as const)
      contestants.push(
        await ours(
          `wasm ${dtype}, ${threads} threads`,
          directory,
          dtype,
          await createWasmEngine({ threads }),
        ),
      );
    const llama = gguf ? await openLlamaCpp(gguf, threads, NEW_TOKENS, LONG_PROMPT) : undefined;
    if (llama) contestants.push(llama);
  }
  contestants.push(await ours("tfjs wasm eager, f32", directory, "auto", await createEagerEngine("wasm")));
  const rounds = new Map<Contestant, Round[]>(contestants.map((contestant) => [contestant, []]));
  const reads: number[] = [];
  for (let k = 0; k < Number(roundsText); k++) {
    reads.push(measureRead());
    for (const contestant of contestants) rounds.get(contestant)!.push(await contestant.round());
  }
  const base = best(rounds.get(contestants.at(-1)!)!, "decode");
  console.log(`reading memory: ${Math.max(...reads).toFixed(1)} GB/s at best on one thread`);
  for (const [{ name, bytes }, measured] of rounds) {
    const [decode, prefill] = [best(measured, "decode"), best(measured, "prefill")];
    const figures = [
      `decode ${decode.toFixed(1)} tok/s (median ${median(measured.map((round) => round.decode)).toFixed(1)})`,
      `${(decode / base).toFixed(2)}x tfjs`,
      `prefill ${prefill.toFixed(0)} tok/s`,
      bytes === undefined ? "" : `${(bytes / 1e6).toFixed(0)} MB held`,
    ];
    console.log(`${name.padEnd(24)} ${figures.join(", ")}`);
  }
  for (const contestant of contestants) await contestant.dispose();
}

const best = (measured: readonly Round[], what: keyof Round): number =>
  Math.max(...measured.map((round) => round[what]));

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;

await main();
