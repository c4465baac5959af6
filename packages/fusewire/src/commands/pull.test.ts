import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { main } from "../cli.ts";
import { COMMIT, tinyHub } from "../testing/hub.ts";
import { fusewire, goldenModel, script, testIo } from "../testing/run.ts";

let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "fusewire-pull-"));
});
afterEach(() => rm(cache, { recursive: true }));

interface Pulled {
  readonly location: string;
  readonly files: readonly { readonly file: string; readonly bytes: number; readonly downloaded: boolean }[];
}

async function pulled(...flags: readonly string[]): Promise<Pulled> {
  const { code, stdout } = await fusewire("pull", "org/tiny", ...flags, "--json");
  expect(code).toBe(0);
  expect(stdout.match(/\n/g)).toHaveLength(1);
  return JSON.parse(stdout) as Pulled;
}

const weightsIn = (location: string) => join(location, "model.safetensors");

test("downloads what the model needs, tells where it is, and does so once", async () => {
  const hub = await tinyHub(cache);
  const { location, files } = await pulled();
  expect(location).toBe(join(cache, "models--org--tiny", "snapshots", COMMIT));
  expect(files.map(({ file }) => file)).toEqual([
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
  ]);
  for (const { file, bytes, downloaded } of files) {
    expect(bytes).toBe((await stat(join(goldenModel("llama"), file))).size);
    expect(downloaded).toBe(true);
  }
  const asked = hub.requests.filter(({ host }) => host === "cdn").length;
  const again = await pulled();
  expect(again.files.some(({ downloaded }) => downloaded)).toBe(false);
  expect(hub.requests.filter(({ host }) => host === "cdn")).toHaveLength(asked);
});

test("the pulled model runs by its name without a network, and by its location", async () => {
  const hub = await tinyHub(cache);
  const { location } = await pulled();
  await hub.close();
  const flags = ["--input-ids", "[[5,6,7]]", "--device", "interpreter", "--max-new-tokens", "2", "--json"];
  const run = async (model: string) => {
    const { code, stdout, stderr } = await fusewire("generate", "--model", model, ...flags);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return (JSON.parse(stdout) as { sequences: number[][] }).sequences;
  };
  expect(await run("org/tiny")).toEqual(await run(goldenModel("llama")));
  expect(await run(location)).toEqual(await run(goldenModel("llama")));
});

test("people see lines, and scripts the location", async () => {
  await tinyHub(cache);
  const { stdout, stderr } = await fusewire("pull", "org/tiny");
  expect(stdout).toBe(`${join(cache, "models--org--tiny", "snapshots", COMMIT)}\n`);
  expect(stderr).toContain("downloaded model.safetensors, ");
  expect(stderr).toMatch(/\norg\/tiny: 5 files, [\d.]+ kB; [\d.]+ kB downloaded\n$/);
});

test("Ctrl+C keeps what arrived, and the same command goes on from there", async () => {
  const hub = await tinyHub(cache);
  hub.faults.set("model.safetensors", [{ slowMs: 30 }]);
  const controller = new AbortController();
  const io = testIo({ signal: controller.signal });
  const running = main(["pull", "org/tiny"], io);
  const partial = async () => (await readPartial(cache)) > 0;
  await expect.poll(partial, { interval: 5 }).toBe(true);
  controller.abort();
  expect(await running).toBe(130);
  expect(io.read().stderr).toMatch(/interrupted; the same command goes on from here\n$/);
  expect(io.read().stdout).toBe("");
  const { location } = await pulled();
  const ranges = hub.requests.filter(({ host, range }) => host === "cdn" && /^bytes=[1-9]/.test(range ?? ""));
  expect(ranges.length).toBeGreaterThan(0);
  expect(await readFile(weightsIn(location))).toEqual(await readFile(weightsIn(goldenModel("llama"))));
});

/** Bytes of the partial file of the weights. */
async function readPartial(folder: string): Promise<number> {
  const blobs = join(folder, "models--org--tiny", "blobs");
  const names = await readdir(blobs).catch((): string[] => []);
  // Files that the hub keeps as large ones are named by sha256.
  const weights = names.filter((name) => /^[0-9a-f]{64}\.incomplete$/.test(name));
  const sizes = weights.map((name) => stat(join(blobs, name)));
  return (await Promise.all(sizes)).reduce((sum, { size }) => sum + size, 0);
}

test("--verify finds what noted checks would believe", async () => {
  await tinyHub(cache);
  const { location } = await pulled();
  const path = weightsIn(location);
  const bytes = await readFile(path);
  const { atime, mtime } = await stat(path);
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(path, bytes);
  await utimes(path, atime, mtime);
  const { files } = await pulled("--verify");
  expect(files.filter(({ downloaded }) => downloaded).map(({ file }) => file)).toEqual(["model.safetensors"]);
  expect(await readFile(path)).toEqual(await readFile(weightsIn(goldenModel("llama"))));
});

test("a gated model needs a token, which comes from stdin and is never shown", async () => {
  const hub = await tinyHub(cache);
  const model = hub.models.get("org/tiny")!;
  hub.models.set("org/tiny", { ...model, token: "hf_secret", refusal: { status: 401, code: "GatedRepo" } });
  const refused = await fusewire("pull", "org/tiny");
  expect(refused.stderr).toMatch(/^error: 'org\/tiny' is gated: accept its terms at .*HF_TOKEN/);
  expect(refused.code).toBe(1);
  const io = testIo({ lines: script(["hf_secret"]) });
  expect(await main(["pull", "org/tiny", "--token-stdin"], io)).toBe(0);
  expect(io.read().stdout + io.read().stderr).not.toContain("hf_secret");
  const none = await fusewire("pull", "org/tiny", "--token-stdin");
  expect(none.stderr).toBe("error: --token-stdin found no token in the first line of stdin\n");
  const typed = testIo({ lines: script(["hf_secret"], { interactive: true }) });
  await main(["pull", "org/tiny", "--token-stdin"], typed);
  expect(typed.read().stderr).toContain("--token-stdin reads from a pipe");
});

test("a model that cannot be run is refused before its weights are fetched", async () => {
  const config = new TextEncoder().encode('{"model_type": "mamba"}');
  const hub = await tinyHub(cache, (files) => ({ ...files, "config.json": config }));
  const { stderr, code } = await fusewire("pull", "org/tiny");
  expect(stderr).toContain(
    "'org/tiny' cannot be run: config.json: the architecture 'mamba' is not supported",
  );
  expect(stderr).toContain("--force downloads it all the same");
  expect(code).toBe(1);
  expect(hub.requests.some(({ host }) => host === "cdn")).toBe(false);
  expect((await pulled("--force")).files).toHaveLength(5);
});

test.each([
  [["tales"], "'tales' comes with Fusewire; use it as it is: fusewire chat tales"],
  [["org/none"], "there is no model 'org/none'"],
  [["a/b/c"], '"a/b/c" is not a model name of the hub'],
  [["org/tiny", "--revision", "v9"], "'org/tiny' has no revision 'v9'"],
  [[], "missing required argument 'owner/name'"],
])("%j is refused in a line", async (argv, message) => {
  await tinyHub(cache);
  const { code, stdout, stderr } = await fusewire("pull", ...argv);
  expect(stderr).toContain(message);
  expect(stderr.match(/\n/g)).toHaveLength(1);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
});
