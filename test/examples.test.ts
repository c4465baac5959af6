/** Every example runs as it stands and prints what it is to show. Greedy texts are those of transformers 5.24 in f32. */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const examples = readdirSync(`${root}/examples`, { recursive: true, encoding: "utf8" })
  .map((name) => name.replaceAll("\\", "/"))
  .filter((name) => name.endsWith(".ts") && !/node_modules|support/.test(name))
  .sort();

const RELATIVITY = "'The theory of special relativity states errand.'";
const FOX = "Once upon a time, a fox was walking through the forest.";

/** What each example prints: texts, and where numbers depend on the machine or on chance, their form. */
const PRINTS: Readonly<Record<string, readonly (string | RegExp)[]>> = {
  "batch.ts": [/^- The king/m, /^- One day, a little girl/m, /^- Tom had a red ball\./m, /^96 tokens, \d/m],
  "compiled-generate.ts": [/^The dragon was/, /^\d+ tokens in \d submits$/m, /submits, the same tokens$/m],
  "generate.ts": [
    `${FOX} He saw a big, furry rabbit and decided to try it. He hopped over to the fox and tried to grab it. But the fox was too quick and tried to get free.\nThe fox ran and tried to grab the fox, but he couldn\n`,
  ],
  "guide/assisted-greedy.ts": [
    "Einstein's theory of relativity states of the world, and the King's son, who was the most beautiful of all the world,",
    /^20 tokens in 1?\d rounds$/m,
  ],
  "guide/assisted-sampling.ts": ["Einstein's theory of relativity states", /^\d+ tokens in \d+ rounds$/m],
  "guide/compiled-generate.ts": [RELATIVITY, /^4 tokens in \d+ submits$/m],
  // 8 bits make another text than f32.
  "guide/flash-attention-2.ts": [/^ {2}'The theory of special relativity states \w+ \w+ /m],
  "guide/load-bfloat16.ts": [/^llama on \w+: \d+\.\d MiB held$/m],
  "guide/prompt-lookup-greedy.ts": [
    "'The second law of thermodynamics states of the cavern, and the caverns of the caverns of the'",
    /^20 tokens in 1?\d rounds$/m,
  ],
  "guide/prompt-lookup-sampling.ts": [
    "The second law of thermodynamics states",
    /^\d+ tokens in \d+ rounds$/m,
  ],
  "guide/sdp-kernel.ts": [RELATIVITY],
  "guide/static-cache-config.ts": [RELATIVITY],
  "guide/static-cache-loop.ts": [
    "Simply put, the theory of relativity states that utterly was to be found in the most beautiful world.\nThe King, who was very fond of the King, had been very much pleased with his son, and had been so much pleased with\n",
    'My favorite all time favorite condiment is ketchup. You can have a good time to play with."\nLily felt sad and angry. She did not like the idea of her new friend. She wanted to play with the ball, but it was not\n',
  ],
  "guide/static-cache-turns.ts": [RELATIVITY, /^15 of 16 tokens were in the cache$/m],
  // 0.1 + 1.6·h², where h is the sum of 8 normed numbers over 10, times its sigmoid: the same before the passes and after.
  "own-graph.ts": [
    'entry "mlp" {',
    '= dense %0 %1 %2 {activation="silu"',
    /(0\.1053241\d*,?\s+){8}.*(0\.1053241\d*,?\s+){8}/s,
  ],
  "static-cache-basic.ts": [
    /^\d+ programs compiled$/m,
    '- The king, who was very fond of his daughter, and said, "I am a very good man, and I am a\n',
    "- One day, a little girl named Lily was playing with her toy in the park. She saw a big slide and wanted to play with it. She\n",
    "- Tom had a red ball. He was very happy. He had a red ball and a red ball. He liked to blow them and make them z\n",
  ],
  "static-cache-custom-loop.ts": [
    `${FOX} He was looking for a place to eat. Suddenly, he heard a\n`,
    "31 prompt tokens, 27 of them cached\n50 prompt tokens, 46 of them cached\n",
  ],
};

test("every example says what it prints", () => {
  expect(Object.keys(PRINTS).sort()).toEqual(examples);
});

test.each(examples)("%s", (name) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", `examples/${name}`], {
    cwd: root,
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  for (const part of PRINTS[name] ?? []) expect(stdout).toMatch(part);
});
