import { readFileSync } from "node:fs";
import type { GenerationStats } from "@fusewire/generate";
import { embeddedModel } from "@fusewire/models/node";
import { describe, expect, test } from "vitest";
import { AutoTokenizer } from "../auto.ts";
import { main } from "../cli.ts";
import { fusewire, goldenModel, testIo } from "../testing/run.ts";

interface Answer {
  readonly sequences: number[][];
  readonly texts: string[];
  readonly stats: GenerationStats;
}

interface Golden {
  readonly left_padded: { readonly input_ids: number[][]; readonly attention_mask: number[][] };
  readonly greedy: { readonly new_tokens: number[][] };
}

const LLAMA = goldenModel("llama");
const golden = JSON.parse(readFileSync(`${LLAMA}/expected.json`, "utf8")) as Golden;
const { input_ids, attention_mask } = golden.left_padded;

async function answer(...argv: readonly string[]): Promise<Answer> {
  const { code, stdout, stderr } = await fusewire("generate", ...argv, "--json");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout.match(/\n/g)).toHaveLength(1);
  return JSON.parse(stdout) as Answer;
}

test("--json says why auto took its device", async () => {
  const ids = JSON.stringify([[3, 4, 5]]);
  const { stats } = await answer("--model", LLAMA, "--max-new-tokens", "1", "--input-ids", ids);
  expect(stats).toMatchObject({ device_reason: expect.stringMatching(/GPU|adapter|webgpu/) });
});

test.each(["interpreter", "eager:cpu"])("--json gives Hugging Face's tokens on %s", async (device) => {
  const { sequences, texts, stats } = await answer(
    ...["--model", LLAMA, "--device", device, "--ignore-eos", "--max-new-tokens", "24"],
    ...["--input-ids", JSON.stringify(input_ids), "--attention-mask", JSON.stringify(attention_mask)],
  );
  expect(sequences).toEqual(input_ids.map((row, b) => [...row, ...golden.greedy.new_tokens[b]!]));
  expect(texts).toHaveLength(3);
  expect(stats).toEqual({
    device,
    prompt_tokens: 28,
    cached_tokens: 0,
    new_tokens: 72,
    time_to_first_token_ms: expect.any(Number),
    tokens_per_second: expect.any(Number),
    token_times_ms: expect.any(Array),
    launches: expect.any(Number),
    submits: 27,
    rounds: [],
    compilations: expect.arrayContaining([
      { entry: "prefill length=8 batch=4 rows=4 capacity=128", reason: "first prefill" },
    ]),
    bytes: expect.any(Number),
  });
});

test("--compile decodes several steps a submit, to the same tokens", async () => {
  const run = (...more: string[]) =>
    answer(
      ...["--model", LLAMA, "--device", "interpreter", "--max-new-tokens", "9", "--ignore-eos"],
      ...more,
    );
  const ids = ["--input-ids", "[[5,6,7]]"];
  const plain = await run(...ids);
  const compiled = await run(...ids, "--compile", "reduce-overhead", "--steps-per-submit", "4");
  expect(compiled.sequences).toEqual(plain.sequences);
  expect(plain.stats.submits - compiled.stats.submits).toBe(9 - 3);
  const { code, stderr } = await fusewire("generate", ...FLAGS, ...ids, "--steps-per-submit", "4");
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringContaining("--steps-per-submit needs --compile"),
  });
});

const FLAGS = ["--model", LLAMA, "--device", "interpreter", "--max-new-tokens", "6", "--ignore-eos"];

test("prints the text as it is made and the stats on stderr", async () => {
  const pieces: string[] = [];
  const io = testIo({ onText: (text) => pieces.push(text) });
  expect(await main(["generate", ...FLAGS, "--prompt", "The fox"], io)).toBe(0);
  const { texts } = await answer(...FLAGS, "--prompt", "The fox");
  const { stdout, stderr } = io.read();
  expect(stdout).toBe(`${texts[0]}\n`);
  expect(pieces.length).toBeGreaterThan(2);
  expect(stderr).toMatch(/^interpreter: \d+ prompt tokens and 6 new, first after [\d.]+ ms,\s+then /);
});

test("several prompts make a batch, padded left, and each is what it is alone", async () => {
  const prompts = ["The fox", "Once upon a time there was a king"];
  const together = await answer(...FLAGS, ...prompts.flatMap((text) => ["--prompt", text]));
  for (const [b, prompt] of prompts.entries()) {
    const alone = await answer(...FLAGS, "--prompt", prompt);
    expect(together.texts[b]).toBe(alone.texts[0]);
    expect(together.sequences[b]!.slice(-alone.sequences[0]!.length)).toEqual(alone.sequences[0]);
  }
  const { stdout } = await fusewire("generate", ...FLAGS, "--prompt", prompts[0]!, "--prompt", prompts[1]!);
  expect(stdout).toBe(`[0] ${together.texts[0]!.trimEnd()}\n[1] ${together.texts[1]!.trimEnd()}\n`);
});

test("token ids need no tokenizer: texts are empty, and people see ids", async () => {
  const flags = ["--model", goldenModel("llama-bias"), "--device", "interpreter", "--max-new-tokens", "3"];
  const { sequences, texts } = await answer(...flags, "--input-ids", "[[5,6,7]]");
  expect(texts).toEqual([""]);
  const { stdout } = await fusewire("generate", ...flags, "--input-ids", "[[5,6,7]]");
  expect(stdout).toBe(`${sequences[0]!.slice(3).join(" ")}\n`);
});

test("sampling flags reach the model: the same seed gives the same tokens, and stats name the seed", async () => {
  const sampled = [...FLAGS, "--prompt", "The fox", "--do-sample", "true", "--top-k", "0"];
  const [one, again, other] = [
    await answer(...sampled, "--seed", "3"),
    await answer(...sampled, "--seed", "3"),
    await answer(...sampled, "--seed", "4"),
  ];
  expect(one.sequences).toEqual(again.sequences);
  expect(one.sequences).not.toEqual(other.sequences);
  expect(one.stats.seed).toBe(3);
});

test("beams, several texts and stop strings: as JSON and for people", async () => {
  const beams = [...FLAGS, "--prompt", "The fox", "--num-beams", "3", "--length-penalty", "0.5"];
  const several = await answer(...beams, "--num-return-sequences", "2", "--early-stopping", "never");
  expect(several).toMatchObject({
    sequences_scores: [expect.any(Number), expect.any(Number)],
    beam_indices: [new Array(6).fill(expect.any(Number)), new Array(6).fill(expect.any(Number))],
  });
  const { stdout } = await fusewire("generate", ...beams, "--num-return-sequences", "2");
  expect(stdout).toBe(several.texts.map((text, b) => `[${b}] ${text.trimEnd()}\n`).join(""));
  const batch = await fusewire("generate", ...beams, "--prompt", "A king", "--num-return-sequences", "2");
  expect(batch.stdout).toMatch(/^\[0\.0\] .*\[0\.1\] .*\[1\.0\] .*\[1\.1\] /s);

  const [text] = (await answer(...FLAGS, "--prompt", "The fox")).texts;
  const stop = text!.slice(2, 4);
  const stopped = await answer(
    ...FLAGS,
    "--prompt",
    "The fox",
    "--stop-strings",
    stop,
    "--output-logprobs",
    "true",
  );
  expect(text!.startsWith(stopped.texts[0]!)).toBe(true);
  expect(stopped.texts[0]).toContain(stop);
  expect(stopped.sequences[0]!.length).toBeLessThan(several.sequences[0]!.length);
});

test("Ctrl+C keeps what has been printed and ends with 130", async () => {
  const controller = new AbortController();
  const io = testIo({ signal: controller.signal, onText: () => controller.abort() });
  const flags = ["--model", LLAMA, "--device", "interpreter", "--max-new-tokens", "60", "--ignore-eos"];
  expect(await main(["generate", ...flags, "--prompt", "The fox"], io)).toBe(130);
  const { stdout, stderr } = io.read();
  expect(stdout).toMatch(/\S.*\n$/s);
  expect(stderr).toMatch(/^interrupted after \d+ new tokens?\n$/);
});

test("an assistant drafts as its flags say, and changes no token", async () => {
  const prompt = ["--input-ids", "[[723,598,262,473]]", "--max-new-tokens", "12"];
  const plain = await answer(...prompt);
  const flags = ["--num-assistant-tokens", "3", "--assistant-confidence-threshold", "0"];
  const assisted = await answer(...prompt, "--assistant-model", "tales-draft", ...flags);
  expect(assisted.sequences).toEqual(plain.sequences);
  expect(Math.max(...assisted.stats.rounds.map(({ drafted }) => drafted))).toBe(3);
});

test.each([
  [["--num-assistant-tokens", "3"], "--num-assistant-tokens says how an assistant drafts; name one with"],
  [["--assistant-model", "tales-draft", "--assistant-confidence-threshold", "2"], "must be between 0 and 1"],
  [["--assistant-model", "tales-draft", "--prompt-lookup-num-tokens", "2"], "both draft; give one of them"],
  [["--assistant-model", "nowhere"], "there is no model directory 'nowhere'"],
])("%j is refused", async (flags, message) => {
  const { code, stderr } = await fusewire("generate", "--input-ids", "[[1,2]]", ...flags);
  expect(code).toBe(1);
  expect(stderr).toContain(message);
  expect(stderr.trim().split("\n")).toHaveLength(1);
});

describe("model and prompt as words", () => {
  const three = ["--device", "interpreter", "--max-new-tokens", "3"];

  test("the model first, then prompts; either may be left to a flag or to the default", async () => {
    const expected = await answer("--model", LLAMA, "--prompt", "The fox", ...three);
    for (const argv of [
      [LLAMA, "The fox"],
      ["The fox", "--model", LLAMA],
      [LLAMA, "--prompt", "The fox"],
    ])
      expect((await answer(...argv, ...three)).sequences).toEqual(expected.sequences);
    const embedded = await answer("--model", "tales", "--prompt", "The fox", ...three);
    expect((await answer("The fox", ...three)).sequences).toEqual(embedded.sequences);
    expect((await answer("tales", "The fox", ...three)).sequences).toEqual(embedded.sequences);
  });

  test("a flag that may stand alone takes no prompt for its value", async () => {
    const { texts } = await answer("--ignore-eos", "The fox", ...three);
    expect(texts).toHaveLength(1);
  });

  test("'-' and no prompt at all are stdin, less the line break at its end", async () => {
    const expected = await answer("The fox", ...three);
    for (const argv of [["tales", "-"], ["tales"], ["--prompt", "-"], []]) {
      const io = testIo({ stdin: "The fox\n" });
      expect(await main(["generate", ...argv, ...three, "--json"], io)).toBe(0);
      expect(JSON.parse(io.read().stdout).sequences).toEqual(expected.sequences);
    }
    const io = testIo({ stdin: "\n" });
    expect(await main(["generate", "tales"], io)).toBe(1);
    expect(io.read().stderr).toBe("error: stdin is empty; give some text, or token ids by --input-ids\n");
  });
});

test("--chat takes each prompt as a message, and the end of a turn as an end", async () => {
  const tokenizer = await AutoTokenizer.from_pretrained(embeddedModel("tales"));
  const three = ["--device", "interpreter", "--max-new-tokens", "3"];
  const { sequences } = await answer("tales", "Tell me a story", "--chat", ...three);
  const prompt = tokenizer.apply_chat_template([{ role: "user", content: "Tell me a story" }], {
    add_generation_prompt: true,
    return_dict: false,
  });
  expect(sequences[0]!.slice(0, -3)).toEqual(prompt);
});

test("a temperature of 0 is greedy", async () => {
  const flags = ["The fox", "--device", "interpreter", "--max-new-tokens", "5"];
  const cold = await answer(...flags, "--do-sample", "--temperature", "0");
  expect(cold.sequences).toEqual((await answer(...flags)).sequences);
  expect(cold.stats.seed).toBeUndefined();
});

test("a text goes on to its end, and one that is cut says by which flag it may go on", async () => {
  const { stderr } = await fusewire(
    "generate",
    "--model",
    LLAMA,
    "--device",
    "wasm",
    "--ignore-eos",
    "The fox",
  );
  expect(stderr).toMatch(/^cut at \d+ new tokens; --max-new-tokens sets the limit\nwasm: \d+ prompt tokens/);
  const given = await fusewire("generate", ...FLAGS, "The fox");
  expect(given.stderr).not.toContain("cut at");
});

test("the device is told once; why it was taken, and what was compiled, with --verbose", async () => {
  const quiet = await fusewire("generate", "The fox", "--max-new-tokens", "2");
  expect(quiet.stderr).toMatch(/^\w+: \d+ prompt tokens/);
  expect(quiet.stderr).not.toContain("auto");
  const verbose = await fusewire("generate", "The fox", "--max-new-tokens", "2", "--verbose");
  expect(verbose.stderr).toMatch(/--device auto chose \w+: /);
  expect(verbose.stderr).toMatch(/compiled decode .*\n/);
});
