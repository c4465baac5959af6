/** Same row, same bits on WebGPU: what a row's scores are apart from what is computed beside it. */
import { createWebGpuEngine, openDevice, type WebGpuOptions } from "@fusewire/backend-tfjs";
import { loadCausalLM } from "@fusewire/generate";
import { floats } from "@fusewire/ir";
import { openModelDirectory } from "@fusewire/models/node";
import { DEFAULT_BUCKETS, type Engine } from "@fusewire/passes";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { goldenPath } from "./goldens.ts";

const TOKENS = Array.from({ length: 21 }, (_, i) => 3 + ((i * 41) % 380));

/** Describes it for one way of cutting kernels. */
export function describeSameBits(name: string, variant: NonNullable<WebGpuOptions["variant"]>): void {
  describe(name, () => {
    let engine: Awaited<ReturnType<typeof createWebGpuEngine>>;
    beforeAll(async () => {
      engine = await createWebGpuEngine({ device: await openDevice(), variant });
    });
    afterAll(() => {
      engine.device.dispose();
      engine.dispose();
    });

    /** The bits of the scores of every token of a text, `length` tokens verified at a time beside other texts. */
    async function scores(texts: readonly (readonly number[])[], length: number, capacity: number, of = 0) {
      // As verifications are, and not as chunks of a prompt, whose sums run in an order of their own.
      const verifying: Engine = {
        ...engine,
        compile: (lowered, weights) => engine.compile({ ...lowered, rows: "few" }, weights),
      };
      const model = await loadCausalLM(await openModelDirectory(goldenPath("models", "llama")), {
        engine: verifying,
        buckets: { ...DEFAULT_BUCKETS, chunk: [length], capacity },
      });
      const longest = Math.max(...texts.map((text) => text.length));
      const padded = (text: readonly number[], fill: number, own: (id: number) => number) => [
        ...new Array<number>(longest - text.length).fill(fill),
        ...text.map(own),
      ];
      const { logits } = await model.forward({
        input_ids: texts.map((text) => padded(text, 0, (id) => id)),
        attention_mask: texts.map((text) => padded(text, 0, () => 1)),
      });
      await model.dispose();
      const [, width, vocabulary] = logits.type.shape as [number, number, number];
      const end = (of + 1) * width * vocabulary;
      const own = floats(logits).slice(end - texts[of]!.length * vocabulary, end);
      return Buffer.from(own.buffer).toString("base64");
    }

    test("scores are equal alone, in a batch of 4, and in verifications of 2, 5 and 21 tokens", async () => {
      const alone = await scores([TOKENS], 1, 64);
      const others = [9, 30, 4].map((length) => Array.from({ length }, (_, i) => 5 + ((i * 17) % 370)));
      const batch = [others[0]!, TOKENS, others[1]!, others[2]!];
      for (const [texts, length, capacity, of] of [
        [[TOKENS], 2, 64, 0],
        [[TOKENS], 5, 128, 0],
        [[TOKENS], 21, 64, 0],
        [batch, 5, 64, 1],
      ] as const)
        expect(await scores(texts, length, capacity, of), `${texts.length} texts, ${length} tokens`).toBe(
          alone,
        );
    });
  });
}
