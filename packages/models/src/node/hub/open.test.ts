import { readdir, readFile, readlink, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { readText } from "../../files/index.ts";
import type { HubOptions, HubProgress } from "../../hub/index.ts";
import { COMMIT, FILES, MODEL, newFolder, OTHER_COMMIT, QUICK, WEIGHTS } from "../testing/hub-fixture.ts";
import { type FakeHub, gitSha1, sha256, startHub } from "../testing/hub-server.ts";
import { openHubModel } from "./index.ts";

let hub: FakeHub;
let folder: Awaited<ReturnType<typeof newFolder>>;
let repo: string;
beforeAll(async () => {
  hub = await startHub({ "org/tiny": MODEL });
});
afterAll(() => hub.close());
beforeEach(async () => {
  for (const name of ["HF_TOKEN", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "FUSEWIRE_OFFLINE"])
    vi.stubEnv(name, "");
  folder = await newFolder();
  vi.stubEnv("HF_HOME", folder.path);
  repo = join(folder.path, "hub", "models--org--tiny");
  hub.requests.length = 0;
  hub.faults.clear();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await folder.remove();
});

const open = (options: HubOptions = {}, name = "org/tiny") =>
  openHubModel(name, { endpoint: hub.url, ...options }, QUICK);
const filePaths = () => hub.requests.filter(({ path }) => !path.startsWith("/api")).map(({ path }) => path);
const HASH = sha256(WEIGHTS);

describe("openHubModel", () => {
  test("downloads what a model needs, into the layout of Hugging Face's cache", async () => {
    const model = await open();
    expect(model.commit).toBe(COMMIT);
    expect(filePaths(), "nothing before it is opened").toEqual([]);
    await model.download();
    const wanted = [
      "additional_chat_templates/tool use.jinja",
      "config.json",
      "model.safetensors",
      "tokenizer.json",
    ];
    const found = await readdir(model.directory, { recursive: true });
    expect(found.filter((name) => name.includes(".")).sort()).toEqual(wanted);
    for (const name of wanted)
      expect((await readFile(join(model.directory, name))).equals(FILES[name]!), name).toBe(true);
    expect(model.directory).toBe(join(repo, "snapshots", COMMIT));
    expect(await readlink(join(model.directory, "model.safetensors"))).toBe(`../../blobs/${HASH}`);
    expect(await readlink(join(model.directory, "additional_chat_templates", "tool use.jinja"))).toMatch(
      /^\.\.\/\.\.\/\.\.\/blobs\/[0-9a-f]{40}$/,
    );
    expect((await readdir(join(repo, "blobs"))).sort()).toEqual(
      wanted.map((name) => (name === "model.safetensors" ? HASH : gitSha1(FILES[name]!))).sort(),
    );
    expect(await readFile(join(repo, "refs", "main"), "utf8")).toBe(COMMIT);
    expect(await readdir(join(folder.path, "hub", ".locks", "models--org--tiny"))).toEqual([]);
  });

  test("downloads only what is opened, once, and reads it", async () => {
    const model = await open();
    const [text] = await Promise.all([readText(model, "config.json"), readText(model, "config.json")]);
    expect(text).toBe('{"model_type": "llama"}');
    expect(await readText(model, "empty.txt")).toBe("");
    expect(await model.open("generation_config.json")).toBeUndefined();
    await (await open()).open("config.json").then((source) => source?.close());
    expect(filePaths()).toEqual([`/org/tiny/resolve/${COMMIT}/config.json`]);
  });

  test("lists folders, cached or not", async () => {
    const folder = "additional_chat_templates";
    const model = await open();
    expect(await model.list(folder)).toEqual(["tool use.jinja"]);
    expect(await model.list("additional")).toEqual([]);
    await model.download();
    await rm(join(repo, "trees"), { recursive: true });
    const cached = await open({ local_files_only: true });
    expect(await cached.list(folder)).toEqual(["tool use.jinja"]);
    expect(await readText(cached, `${folder}/tool use.jinja`)).toBe("{{ 1 }}");
    expect(await cached.list("none")).toEqual([]);
  });

  test("never downloads a pickle, but says that it is there", async () => {
    const source = await (await open()).open("pytorch_model.bin");
    await expect(source?.read(0, 0)).rejects.toThrow("pytorch_model.bin of 'org/tiny' is not downloaded");
    expect(filePaths()).toEqual([]);
  });

  test("tells the progress of a download, and that a file was cached", async () => {
    const events: HubProgress[] = [];
    hub.faults.set("model.safetensors", [{ slowMs: 12 }]);
    const options: HubOptions = { progress_callback: (event) => events.push(event) };
    const load = async () => (await (await open(options)).open("model.safetensors"))?.close();
    await load();
    const size = WEIGHTS.byteLength;
    const last = { file: "model.safetensors", loaded: size, total: size };
    const loaded = events.filter(({ status }) => status === "download").map((event) => event.loaded);
    expect(loaded.length).toBeGreaterThan(2);
    expect(loaded).toEqual([...loaded].sort((a, b) => a - b));
    expect(events.at(-1)).toEqual({ ...last, status: "done" });
    events.length = 0;
    await load();
    expect(events).toEqual([{ ...last, status: "cached" }]);
  });

  test.each(["v1.0", "refs/pr/3", OTHER_COMMIT])("takes the revision %s", async (revision) => {
    const model = await open({ revision });
    expect(await readText(model, "config.json")).toBe('{"model_type": "opt"}');
    expect(model.commit).toBe(OTHER_COMMIT);
    const ref = await readFile(join(repo, "refs", ...revision.split("/")), "utf8").catch(() => undefined);
    expect(ref).toBe(revision === OTHER_COMMIT ? undefined : OTHER_COMMIT);
    expect(filePaths()).toEqual([`/org/tiny/resolve/${OTHER_COMMIT}/config.json`]);
  });

  test("a file that two revisions share is fetched once", async () => {
    await (await open()).download();
    const before = filePaths().length;
    await (await open({ revision: "v1.0" })).download();
    expect(filePaths().slice(before)).toEqual([`/org/tiny/resolve/${OTHER_COMMIT}/config.json`]);
  });

  test("a whole commit that is cached needs no request", async () => {
    await (await open({ revision: COMMIT })).download();
    hub.requests.length = 0;
    await (await open({ revision: COMMIT })).download();
    expect(hub.requests).toEqual([]);
  });

  test("a branch that moved is followed", async () => {
    await (await open()).download();
    hub.models.set("org/tiny", { ...MODEL, revisions: { main: OTHER_COMMIT } });
    expect(await readText(await open(), "config.json")).toBe('{"model_type": "opt"}');
    hub.models.set("org/tiny", MODEL);
    expect(await readFile(join(repo, "refs", "main"), "utf8")).toBe(OTHER_COMMIT);
  });

  test("the token goes to the hub and not to the host that it redirects to", async () => {
    const model = await open({ token: "other_form_of_token" });
    await model.download();
    const sent = (host: string) =>
      new Set(
        hub.requests.filter((request) => request.host === host).map((request) => request.authorization),
      );
    expect(sent("hub")).toEqual(new Set(["Bearer other_form_of_token"]));
    expect(sent("cdn")).toEqual(new Set([undefined]));
  });

  test("an abort keeps what has arrived and says so with its own reason", async () => {
    hub.faults.set("model.safetensors", [{ slowMs: 20 }]);
    const stop = new AbortController();
    const model = await open({
      signal: stop.signal,
      progress_callback: ({ loaded }) => loaded > 0 && stop.abort(new Error("enough")),
    });
    await expect(model.open("model.safetensors")).rejects.toThrow("enough");
    expect((await stat(join(repo, "blobs", `${HASH}.incomplete`))).size).toBeGreaterThan(0);
  });
});
