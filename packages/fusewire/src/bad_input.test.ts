import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { expect, onTestFinished, test } from "vitest";
import { brokenModel, type Change, withHeader, withValues } from "./testing/broken.ts";
import { fusewire, goldenModel } from "./testing/run.ts";

/** Runs a command that must fail, and gives its one line of error. */
async function errorOf(...argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await fusewire(...argv);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^error: [^\n]+\n$/);
  expect(stderr).not.toContain("a defect in Fusewire");
  expect(stderr).not.toMatch(/\bat .*:\d+:\d+/);
  expect(code).toBe(1);
  return stderr.slice("error: ".length).trimEnd();
}

const RUN = ["generate", "--device", "interpreter", "--max-new-tokens", "2"];
const UP_PROJ = "model.layers.0.mlp.up_proj.weight";
const GATE_PROJ = "model.layers.0.mlp.gate_proj.weight";

const DIRECTORIES: readonly (readonly [string, string, Change, RegExp])[] = [
  [
    "truncated weights",
    "model.safetensors",
    (content) => content.subarray(0, -100),
    /^tensor '.*' of model\.safetensors ends at byte \d+, but the file has only \d+: .*download it again$/,
  ],
  [
    "a header longer than the file",
    "model.safetensors",
    (content) => {
      content.writeBigUInt64LE(10_000_000n, 0);
      return content;
    },
    /model\.safetensors.*header.*download it again$/,
  ],
  [
    "a file of a few bytes",
    "model.safetensors",
    (content) => content.subarray(0, 5),
    /model\.safetensors.*download it again$/,
  ],
  [
    "overlapping offsets",
    "model.safetensors",
    withHeader((header) => {
      header[UP_PROJ]!.data_offsets = header[GATE_PROJ]!.data_offsets;
    }),
    /^tensors '.*' and '.*' of model\.safetensors overlap; .*download it again$/,
  ],
  [
    "an unknown dtype",
    "model.safetensors",
    withHeader((header) => {
      header[UP_PROJ]!.dtype = "F7";
    }),
    /^tensor 'model\.layers\.0\.mlp\.up_proj\.weight' of model\.safetensors has the unknown dtype 'F7'; supported are .*: convert/,
  ],
  [
    "a shape that disagrees with the config",
    "config.json",
    withValues({ intermediate_size: 96 }),
    /weight 'model\.layers\.0\.mlp\.\w+\.weight' is f32\[.*config\.json makes it \[.*; one of the two/,
  ],
  [
    "an unknown architecture",
    "config.json",
    withValues({ model_type: "mamba", architectures: ["MambaForCausalLM"] }),
    /^config\.json: the architecture 'mamba' is not supported; supported: /,
  ],
  ["broken JSON", "config.json", () => '{ "model_type": ', /^config\.json is not valid JSON.*; repair it or/],
  [
    "a broken tokenizer",
    "tokenizer.json",
    () => '{ "model": ',
    /^tokenizer\.json is not valid JSON.*; repair/,
  ],
  ["a tokenizer without a model", "tokenizer.json", () => "{}", /tokenizer\.json.*(download|repair|save)/],
];

test.each(DIRECTORIES)("%s", async (_, file, change, message) => {
  const directory = await brokenModel(file, change);
  onTestFinished(() => rm(directory, { recursive: true }));
  expect(await errorOf(...RUN, "--model", directory, "--prompt", "The fox")).toMatch(message);
});

const FLAGS: readonly (readonly [string, readonly string[], RegExp])[] = [
  [
    "no directory",
    ["--model", "no-such", "--prompt", "a"],
    /^there is no model directory 'no-such'; give the/,
  ],
  [
    "a directory of something else",
    ["--model", tmpdir(), "--prompt", "a"],
    /has no config\.json.*give the dir/,
  ],
  ["an id out of range", ["--input-ids", "[[1,384]]"], /^row 0 of input_ids holds 384.*0 to 383; encode/],
  ["a negative id", ["--input-ids", "[[1],[-1]]"], /^row 1 of input_ids holds -1/],
  [
    "ragged ids",
    ["--input-ids", "[[1,2],[3]]"],
    /^the rows of input_ids have different lengths \(2, 1\); pad/,
  ],
  [
    "ids that are no rows",
    ["--input-ids", "[1,2]"],
    /^--input-ids must be a list of rows of integers such as/,
  ],
  ["ids that are no integers", ["--input-ids", '[["a"]]'], /^--input-ids must be a list of rows of integers/],
  ["ids that are no JSON", ["--input-ids", "[[1"], /^--input-ids is not JSON: '\[\[1'; write it as/],
  ["no ids", ["--input-ids", "[[]]"], /^input_ids is empty; a prompt needs at least one token/],
  [
    "a mask of another shape",
    ["--input-ids", "[[1,2]]", "--attention-mask", "[[1]]"],
    /^attention_mask has rows of 1, input_ids of 2; they must have the same shape/,
  ],
  [
    "a mask with text",
    ["--prompt", "a", "--attention-mask", "[[1]]"],
    /^--attention-mask belongs to --input-ids; give both/,
  ],
  [
    "a prompt beside ids",
    ["--prompt", "a", "--input-ids", "[[1]]"],
    /^a prompt and --input-ids exclude each/,
  ],
  ["a chat of ids", ["--chat", "--input-ids", "[[1]]"], /^--chat is for prompts, and --input-ids are tokens/],
  ["an empty prompt", ["--prompt", ""], /^the prompt is empty; give some text/],
  ["no prompt", [], /^there is nothing to start from; give a prompt, such as .*, or --input-ids JSON/],
  [
    "a prompt longer than a table of positions",
    ["--model", goldenModel("opt"), "--input-ids", JSON.stringify([new Array(96).fill(5)])],
    /^a prompt of 96 tokens and 2 new ones are more than the 96 positions of the model; shorten/,
  ],
  ["an unknown flag", ["--prompt", "a", "--tempt", "1"], /^unknown flag '--tempt'/],
  ["an unknown device", ["--prompt", "a", "--device", "tpu"], /^unknown device 'tpu'; choose one of auto, /],
  [
    "an unknown tfjs backend",
    ["--prompt", "a", "--device", "eager:tpu"],
    /^there is no tfjs backend 'tpu'; av/,
  ],
  [
    "a negative temperature",
    ["--prompt", "a", "--do-sample", "--temperature", "-1"],
    /^--temperature must be a/,
  ],
  [
    "a temperature without sampling",
    ["--prompt", "a", "--temperature", "0.5"],
    /^'--temperature' has no effect while --do-sample is false; set --do-sample or leave '--temperature' out/,
  ],
  [
    "two ways to ignore the end",
    ["--prompt", "a", "--ignore-eos", "--eos-token-id", "2"],
    /^--ignore-eos and/,
  ],
];

test.each(FLAGS)("%s", async (_, flags, message) => {
  const model = flags.includes("--model") ? [] : ["--model", goldenModel("llama")];
  expect(await errorOf(...RUN, ...model, ...flags)).toMatch(message);
});

test("a prompt needs a tokenizer", async () => {
  const message = await errorOf(...RUN, "--model", goldenModel("llama-bias"), "--prompt", "a");
  expect(message).toMatch(/has no tokenizer\.json; download it/);
});
