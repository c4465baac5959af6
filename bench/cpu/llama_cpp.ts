import type { Contestant, Round } from "./contestant.ts";

/** The part of node-llama-cpp that is used; its types are not needed where it is not installed. */
interface LlamaModule {
  getLlama(options: object): Promise<{
    loadModel(options: object): Promise<{
      createContext(options: object): Promise<{
        getSequence(): {
          evaluate(tokens: readonly number[], options: object): AsyncIterable<number>;
          evaluateWithoutGeneratingNewTokens(tokens: readonly number[]): Promise<void>;
          clearHistory(): Promise<void>;
        };
        dispose(): Promise<void>;
      }>;
      dispose(): Promise<void>;
    }>;
  }>;
}

/** node-llama-cpp on a GGUF file; undefined, with a word of how to get it, where it is not installed. */
export async function openLlamaCpp(
  gguf: string,
  threads: number,
  newTokens: number,
  longPrompt: number,
): Promise<Contestant | undefined> {
  const name = "node-llama-cpp";
  const found = (await import(name).catch(() => undefined)) as LlamaModule | undefined;
  if (!found) {
    console.log("node-llama-cpp is not installed: `pnpm --filter @fusewire/bench add -D node-llama-cpp`");
    return undefined;
  }
  const llama = await found.getLlama({ gpu: false });
  const model = await llama.loadModel({ modelPath: gguf });
  const context = await model.createContext({ contextSize: 1024, batchSize: 512, threads });
  const sequence = context.getSequence();
  const prompt = (length: number): number[] => Array.from({ length }, (_, k) => 500 + ((k * 37) % 3000));
  const round = async (): Promise<Round> => {
    await sequence.clearHistory();
    let start = performance.now();
    await sequence.evaluateWithoutGeneratingNewTokens(prompt(longPrompt));
    const prefill = (1000 * longPrompt) / (performance.now() - start);
    await sequence.clearHistory();
    let count = 0;
    for await (const _ of sequence.evaluate(prompt(16), { temperature: 0, yieldEogToken: true })) {
      if (count === 0) start = performance.now();
      if (++count > newTokens) break;
    }
    return { decode: (1000 * newTokens) / (performance.now() - start), prefill };
  };
  await round();
  return {
    name: `llama.cpp, ${threads} threads`,
    bytes: undefined,
    round,
    async dispose() {
      await context.dispose();
      await model.dispose();
    },
  };
}
