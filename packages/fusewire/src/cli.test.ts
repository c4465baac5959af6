import { expect, test } from "vitest";
import { main } from "./cli.ts";
import { fusewire, testIo } from "./testing/run.ts";

test("help lists the commands, and each command its flags", async () => {
  for (const argv of [[], ["--help"], ["help"]]) {
    const { code, stdout, stderr } = await fusewire(...argv);
    expect(code).toBe(0);
    for (const command of ["chat", "generate", "inspect", "logits", "pull", "show"])
      expect(stdout).toContain(`  ${command} `);
    expect(stderr).toBe("");
  }
  for (const [command, flag] of [
    ["chat", "--max-new-tokens <value>"],
    ["generate", "--max-new-tokens <value>"],
    ["pull", "--token-stdin"],
    ["show", "--revision <name>"],
  ]) {
    const { code, stdout } = await fusewire(command!, "--help");
    expect(code).toBe(0);
    expect(stdout).toContain(flag);
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
  }
});

test("the version is that of the package", async () => {
  expect(await fusewire("--version")).toEqual({ code: 0, stdout: "0.1.0\n", stderr: "" });
});

test.each([
  [["generat"], "unknown command 'generat' (did you mean generate?); see 'fusewire --help'"],
  [
    ["--model", "x"],
    "unknown flag '--model'; a command such as 'generate' comes first; see 'fusewire --help'",
  ],
  [
    ["generate", "--promt", "x"],
    "unknown flag '--promt' (did you mean --prompt?); see 'fusewire generate --help'",
  ],
  [["inspect", "--temperature", "1"], "unknown flag '--temperature'; see 'fusewire inspect --help'"],
  [["generate", "-x"], "unknown flag '-x'; see 'fusewire generate --help'"],
  [["generate", "--prompt"], "--prompt needs a value: --prompt <text>"],
  [["generate", "--prompt", "--json"], "--prompt needs a value: --prompt <text>"],
  [["generate", "--prompt", "a", "--temperature"], "--temperature needs a value: --temperature <value>"],
  [["generate", "--prompt", "a", "b"], "'b' belongs to no flag; begin flags with -- and put quotes around"],
  [["generate", "--prompt", "a", "--json", "yes"], "'yes' belongs to no flag"],
  [["generate", "--json=yes", "--prompt", "a"], "--json must be true or false, not 'yes'"],
  [
    ["generate", "--max-tokens", "3", "a"],
    "unknown flag '--max-tokens' (did you mean --max-new-tokens?); see",
  ],
  [
    ["generate", "Once", "upon"],
    "'Once' is no model; the order is MODEL \"PROMPT\", and a prompt with spaces",
  ],
  [["help", "nope"], "unknown command 'nope'; see 'fusewire --help'"],
  [["generate", "--prompt", "a", "--dtype", "f8"], "--dtype must be one of auto, float32"],
  [["inspect", "--batch", "0"], "--batch must be an integer of 1 or more, not '0'"],
  [["inspect", "--length", "-4"], "--length must be an integer of 1 or more, not '-4'"],
  [["inspect", "--entry", "encode"], "--entry must be one of decode, prefill, logits, begin, not 'encode'"],
])("%j is refused in one line", async (argv, message) => {
  const { code, stdout, stderr } = await fusewire(...argv);
  expect(stderr).toContain(`error: ${message}`);
  expect(stderr.match(/\n/g)).toHaveLength(1);
  expect(stdout).toBe("");
  expect(code).toBe(1);
});

test("a value after = may look like a flag", async () => {
  const { stderr } = await fusewire("generate", "--model=--json", "--prompt", "a");
  expect(stderr).toContain("there is no model directory '--json'");
});

test("FUSEWIRE_DEBUG=1 adds the trace", async () => {
  const io = testIo({ debug: true });
  expect(await main(["generate", "--model", "nowhere", "--prompt", "a"], io)).toBe(1);
  expect(io.read().stderr).toMatch(/^error: there is no model directory 'nowhere'.*\n.*\n {4}at /);
});
