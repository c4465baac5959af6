/** The embedded model predicts held-out stories as well as where it was trained. */
import { readFileSync } from "node:fs";
import { floats } from "@fusewire/ir";
import { loadTokenizer } from "@fusewire/models";
import { embeddedModel, openModelDirectory } from "@fusewire/models/node";
import { expect, test } from "vitest";
import { withModel } from "./support/engines.ts";
import { readGolden } from "./support/read.ts";
import { describeShared } from "./support/shared.ts";

describeShared("held-out loss", ["data/tinystories/tinystories_val.txt"], (path) => {
  test("tales: nats a token over 8 windows of 512, near those of the whole text", async () => {
    const directory = embeddedModel("tales");
    const tokenizer = await loadTokenizer(await openModelDirectory(directory));
    const quality = readGolden<{ tales: { stories_val: { nats_per_token: number } } }>(
      `${directory}/quality.json`,
    );
    const ids = tokenizer.encode(readFileSync(path, "utf8").slice(0, 60_000)).slice(0, 8 * 512);
    const input_ids = Array.from({ length: 8 }, (_, b) => ids.slice(b * 512, (b + 1) * 512));
    const loss = await withModel(directory, "wasm", async (model) => {
      const { logits } = await model.forward({ input_ids });
      const [, length, vocabulary] = logits.type.shape as [number, number, number];
      const all = input_ids.flatMap((row, b) =>
        row.slice(1).map((next, t) => {
          const from = (b * length + t) * vocabulary;
          return surprise(floats(logits).subarray(from, from + vocabulary), next);
        }),
      );
      return all.reduce((sum, x) => sum + x, 0) / all.length;
    });
    // A sample of a tenth: its mean varies by some hundredths.
    expect(Math.abs(loss - quality.tales.stories_val.nats_per_token)).toBeLessThan(0.15);
  });
});

/** -log softmax(scores)[id] */
function surprise(scores: Float32Array, id: number): number {
  const max = scores.reduce((m, s) => Math.max(m, s), Number.NEGATIVE_INFINITY);
  const total = scores.reduce((sum, s) => sum + Math.exp(s - max), 0);
  return Math.log(total) + max - scores[id]!;
}
