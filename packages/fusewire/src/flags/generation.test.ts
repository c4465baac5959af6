import { type GenerationOptions, OPTIONS } from "@fusewire/generate";
import { FusewireError } from "@fusewire/ir";
import { Command } from "commander";
import { expect, test } from "vitest";
import { addGenerationFlags, type OptionTable } from "./generation.ts";

function parse(args: readonly string[], table: OptionTable = OPTIONS): GenerationOptions {
  const command = new Command().exitOverride();
  const read = addGenerationFlags(command, table);
  command.parse(args, { from: "user" });
  return read();
}

test.each<[string, GenerationOptions]>([
  ["", {}],
  ["--max-new-tokens 3", { max_new_tokens: 3 }],
  ["--do-sample", { do_sample: true }],
  ["--do-sample false", { do_sample: false }],
  ["--do-sample --temperature .5 --top-p 1e-1", { do_sample: true, temperature: 0.5, top_p: 0.1 }],
  ["--seed 7", { seed: 7 }],
  ["--seed [7,8]", { seed: [7, 8] }],
  ["--eos-token-id [2,3]", { eos_token_id: [2, 3] }],
  ["--eos-token-id []", { eos_token_id: [] }],
  ["--eos-token-id null", { eos_token_id: null }],
])("%s", (line, options) => {
  expect(parse(line.split(" ").filter((word) => word !== ""))).toEqual(options);
});

test.each([
  [["--temperature", "-1"], "--temperature must be a number above 0, not '-1'"],
  [["--temperature", "warm"], "--temperature must be a number above 0, not 'warm'"],
  [["--temperature", ""], "--temperature must be a number above 0, not ''"],
  [["--max-new-tokens", "2.5"], "--max-new-tokens must be an integer of 1 or more, not '2.5'"],
  [["--eos-token-id", "[-1]"], "--eos-token-id must be a token id or a list of them, not '[-1]'"],
  [["--do-sample", "1"], "--do-sample must be true or false, not '1'"],
])("%j is refused", (args, message) => {
  expect(() => parse(args)).toThrow(new FusewireError(message));
});

test("every option is a flag, except what text cannot express", () => {
  const command = new Command();
  addGenerationFlags(command, OPTIONS);
  const objects = ["signal", "model", "cache", "config", "tokenizer", "functions"];
  const names = Object.entries(OPTIONS).flatMap(([name, { kind }]) => (objects.includes(kind) ? [] : [name]));
  expect(command.options.map(({ long }) => long)).toEqual(
    names.map((name) => `--${name.replaceAll("_", "-")}`),
  );
});

test("a new row of the table is a flag, names that begin with no_ and values that are text or objects too", () => {
  const table: OptionTable = {
    no_repeat_ngram_size: { kind: "integer", allowed: "an integer", accepts: Number.isInteger },
    cache: { kind: "ids", allowed: "a word", accepts: (value) => value === "static" },
    bias: { kind: "ids", allowed: "an object", accepts: (value) => typeof value === "object" },
  };
  expect(parse([], table)).toEqual({});
  expect(parse(["--no-repeat-ngram-size", "2", "--cache", "static", "--bias", '{"a":1}'], table)).toEqual({
    no_repeat_ngram_size: 2,
    cache: "static",
    bias: { a: 1 },
  });
});
