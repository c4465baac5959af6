// The command as people start it: a process of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { outcomeOf } from "./testing/child.ts";
import { goldenModel } from "./testing/run.ts";

const SCRIPT = fileURLToPath(new URL("bin/fusewire.ts", import.meta.url));
const ENDLESS = [
  "generate",
  "--device",
  "eager:cpu",
  "--ignore-eos",
  "--max-new-tokens",
  "1000",
  "--prompt",
  "A",
];

const start = (...argv: readonly string[]): ChildProcess =>
  spawn(process.execPath, ["--import", import.meta.resolve("tsx"), SCRIPT, ...argv]);

async function outcome(child: ChildProcess) {
  const { code, stdout, stderr } = await outcomeOf(child);
  return { code, stdout, stderr };
}

test("errors are one line and exit code 1", async () => {
  const model = ["--model", goldenModel("llama"), "--device", "interpreter"];
  const [flag, ids] = await Promise.all([
    outcome(start("generate", "--nope")),
    outcome(start("generate", ...model, "--input-ids", "[[999]]")),
  ]);
  expect(flag).toEqual({
    code: 1,
    stdout: "",
    stderr: "error: unknown flag '--nope'; see 'fusewire generate --help'\n",
  });
  expect(ids.code).toBe(1);
  expect(ids.stdout).toBe("");
  expect(ids.stderr).toMatch(/^error: row 0 of input_ids holds 999[^\n]+\n$/);
});

test("--json prints one object and nothing else, tfjs included", async () => {
  const model = ["--model", goldenModel("llama"), "--device", "eager:cpu"];
  const { code, stdout, stderr } = await outcome(
    start("generate", ...model, "--input-ids", "[[5,6]]", "--max-new-tokens", "2", "--json"),
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(Object.keys(JSON.parse(stdout) as object)).toEqual(["sequences", "texts", "stats"]);
});

test("Ctrl+C stops between two steps with 130", async () => {
  const child = start(...ENDLESS);
  const end = outcome(child);
  // Twice, as from a terminal through a launcher that passes signals on.
  child.stdout?.once("data", () => child.kill("SIGINT") && setTimeout(() => child.kill("SIGINT"), 5));
  const { code, stdout, stderr } = await end;
  expect(code).toBe(130);
  expect(stdout).toMatch(/\S.*\n$/s);
  expect(stderr).toMatch(/^interrupted after \d+ new tokens?\n$/);
});

test("a reader that goes away ends it without a word", async () => {
  const child = start(...ENDLESS);
  const end = outcome(child);
  child.stdout?.once("data", () => child.stdout?.destroy());
  const { code, stderr } = await end;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});

test("SIGTERM stops between two steps with 143", async () => {
  const child = start(...ENDLESS);
  const end = outcome(child);
  child.stdout?.once("data", () => child.kill("SIGTERM"));
  const { code, stderr } = await end;
  expect(code).toBe(143);
  expect(stderr).toMatch(/^interrupted after \d+ new tokens?\n$/);
});

test.skipIf(!existsSync("/dev/full"))("a full disk is an error of one line", async () => {
  const full = openSync("/dev/full", "w");
  const child = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), SCRIPT, ...ENDLESS], {
    stdio: ["ignore", full, "pipe"],
  });
  const { code, stderr } = await outcome(child);
  closeSync(full);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^error: stdout takes no more: ENOSPC[^\n]*\n$/);
});
