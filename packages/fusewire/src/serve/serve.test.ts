// The command as a service: started, asked, crashed and stopped.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const SCRIPT = fileURLToPath(new URL("../bin/fusewire.ts", import.meta.url));

/** A server on a free port, and what it says. */
function start(...argv: readonly string[]) {
  const child = spawn(process.execPath, [
    ...["--import", import.meta.resolve("tsx"), SCRIPT, "serve", "--threads", "1", "--port", "0"],
    ...argv,
  ]);
  let said = "";
  const listeners = new Set<() => void>();
  child.stderr.on("data", (data) => {
    said += String(data);
    for (const listener of listeners) listener();
  });
  /** The lines so far, once one of them matches so many times. */
  const saying = (pattern: RegExp, times = 1): Promise<string> =>
    new Promise((resolve) => {
      const look = () => {
        if ([...said.matchAll(new RegExp(pattern, "g"))].length < times) return;
        listeners.delete(look);
        resolve(said);
      };
      listeners.add(look);
      look();
    });
  return { child, saying, said: () => said, ended: ending(child) };
}

async function ending(child: ChildProcess): Promise<number | null> {
  const [code] = (await once(child, "close")) as [number | null];
  return code;
}

const urlOf = (said: string) => /listening on (http:\S+),/.exec(said)![1]!;

const generate = (url: string, max_new_tokens: number, path = "/generate") =>
  fetch(url + path, {
    method: "POST",
    body: JSON.stringify({ inputs: "Once", parameters: { max_new_tokens, do_sample: false } }),
  });

test("it answers, says while it stops that it does, lets answers end, and exits with 0", async () => {
  const { child, saying, ended } = start();
  const url = urlOf(await saying(/ready: 'tales' on wasm, 8 texts at once of up to 1024 tokens/));
  expect(await (await generate(url, 4)).json()).toEqual({ generated_text: expect.any(String) });
  // Its headers come with its first token, so that it runs by then.
  const running = await generate(url, 1000, "/generate_stream");
  const text = running.text();
  child.kill("SIGTERM");
  await saying(/stopping once 1 answer ended/);
  expect((await text).trim().split("\n\n").at(-1)).toMatch(/"generated_text":"/);
  expect(await ended).toBe(0);
});

test.runIf(process.platform === "linux")(
  "a model that crashes ends its answers, and is loaded again",
  async () => {
    const { child, saying, ended } = start();
    const url = urlOf(await saying(/ready/));
    const running = await generate(url, 1000, "/generate_stream");
    const text = running.text();
    const [model] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ");
    process.kill(Number(model), "SIGKILL");
    const events = (await text).trim().split("\n\n");
    expect(events.at(-1)).toBe(
      'data: {"error":"the model failed on this request; the server\'s log has the reason","error_type":"generation"}',
    );
    expect(await saying(/ready/, 2)).toContain(
      "the model's process ended with SIGKILL; loading the model again\n",
    );
    expect((await generate(url, 4)).status).toBe(200);
    child.kill("SIGINT");
    expect(await ended).toBe(0);
  },
);

test.each([
  [["--model", "nowhere/at-all", "--revision", "x", "--port", "0"], /^error: /m],
  [["--host", "0.0.0.0"], /^error: --host 0\.0\.0\.0 lets others in; give them a key with --api-key/m],
  [["--slots", "0"], /^error: --slots must be an integer of 1 or more, not '0'/m],
  [["--max-length", "5000"], /^error: 5000 tokens are more than the 1024 positions of the model/m],
])("%j is one line and exit code 1", async (argv, message) => {
  const { said, ended } = start(...argv);
  expect(await ended).toBe(1);
  expect(said()).toMatch(message);
});
