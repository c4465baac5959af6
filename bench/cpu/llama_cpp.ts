import { statSync } from "node:fs";
import { basename } from "node:path";
import { type Contestant, LONG_PROMPT, NEW_TOKENS, PROMPT, prompt, type Round } from "./contestant.ts";
import { loadPeer } from "./peers/load.mjs";

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

/** node-llama-cpp on a GGUF file. */
export async function openLlamaCpp(gguf: string, threads: number): Promise<Contestant> {
  const found = (await loadPeer("node-llama-cpp")) as LlamaModule | undefined;
  if (!found)
    throw new Error(
      "node-llama-cpp is not installed: npm install --prefix bench/cpu/peers --no-package-lock",
    );
  const llama = await found.getLlama({ gpu: false, build: "never" });
  const model = await llama.loadModel({ modelPath: gguf });
  const context = await model.createContext({
    contextSize: 1024,
    batchSize: 512,
    threads: { ideal: threads, min: threads },
  });
  const sequence = context.getSequence();
  const round = async (): Promise<Round> => {
    await sequence.clearHistory();
    let start = performance.now();
    await sequence.evaluateWithoutGeneratingNewTokens(prompt(LONG_PROMPT));
    const prefill = (1000 * LONG_PROMPT) / (performance.now() - start);
    await sequence.clearHistory();
    let count = 0;
    for await (const _ of sequence.evaluate(prompt(PROMPT), { temperature: 0, yieldEogToken: true })) {
      if (count === 0) start = performance.now();
      if (++count > NEW_TOKENS) break;
    }
    return { decode: (1000 * NEW_TOKENS) / (performance.now() - start), prefill, eightRows: undefined };
  };
  await round();
  return {
    name: `llama.cpp ${basename(gguf)}, ${threads} threads`,
    weightBytes: statSync(gguf).size,
    round,
    async dispose() {
      await context.dispose();
      await model.dispose();
    },
  };
}
