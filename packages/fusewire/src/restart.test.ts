// `--device webgpu` without a GPU: the command goes on in a process that starts with a software adapter.
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { outcomeOf } from "./testing/child.ts";
import { goldenModel } from "./testing/run.ts";

const SCRIPT = fileURLToPath(new URL("bin/fusewire.ts", import.meta.url));
const MODEL = ["--model", goldenModel("llama"), "--device", "webgpu", "--input-ids", "[[5,6]]"];
const NOTICE = "no GPU found; starting again on the software adapter";

/** A process that finds no adapter, whatever this machine and this test's own environment have. */
const start = (argv: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess =>
  spawn(process.execPath, ["--import", import.meta.resolve("tsx"), SCRIPT, ...argv], {
    env: { ...process.env, LD_LIBRARY_PATH: "", VK_DRIVER_FILES: "/nowhere.json", ...env },
  });

const times = (text: string, part: string): number => text.split(part).length - 1;

test("stdout, the exit code and the notice come through, once", async () => {
  const [made, refused] = await Promise.all([
    outcomeOf(start(["generate", ...MODEL, "--max-new-tokens", "2", "--json"])),
    outcomeOf(start(["generate", ...MODEL, "--max-new-tokens", "0"])),
  ]);
  expect(made.code).toBe(0);
  expect(times(made.stderr, NOTICE)).toBe(1);
  expect(JSON.parse(made.stdout)).toMatchObject({ stats: { device: "webgpu", new_tokens: 2 } });
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(times(refused.stderr, "error: ")).toBe(1);
});

test("stdin comes through", async () => {
  const child = start(["chat", "tales-draft", "--device", "webgpu", "--max-new-tokens", "3"]);
  child.stdin?.end("Hello\n");
  const { code, stdout } = await outcomeOf(child);
  expect(code).toBe(0);
  expect(stdout).toMatch(/\S/);
});

test("a process that was started so starts no other", async () => {
  const { code, stderr } = await outcomeOf(
    start(["generate", ...MODEL, "--max-new-tokens", "2"], { FUSEWIRE_RESTARTED: "1" }),
  );
  expect(code).toBe(1);
  expect(stderr).not.toContain(NOTICE);
  expect(stderr).toMatch(
    /error: (WebGPU found no adapter|the system has no Vulkan loader).*use another device, such as wasm/,
  );
});

test("signals come through, and what they do comes back", async () => {
  const argv = ["generate", "--model", "tales-draft", "--device", "webgpu", "--prompt", "A", "--ignore-eos"];
  const [stopped, killed] = ["SIGINT", "SIGTERM"].map((signal) => {
    const child = start([...argv, "--max-new-tokens", "1000"]);
    child.stdout?.once("data", () => child.kill(signal as NodeJS.Signals));
    return outcomeOf(child);
  });
  expect(await stopped).toMatchObject({ code: 130 });
  expect(await killed).toMatchObject({ code: 143 });
});
