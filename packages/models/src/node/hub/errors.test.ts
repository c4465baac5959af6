import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FusewireError } from "@fusewire/ir";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { HubOptions } from "../../hub/index.ts";
import { COMMIT, FILES, MODEL, newFolder, QUICK } from "../testing/hub-fixture.ts";
import { type FakeHub, startHub } from "../testing/hub-server.ts";
import { assertSpace } from "./disk.ts";
import { openHubModel } from "./index.ts";

const TOKEN = "hf_secret_of_the_test";

let hub: FakeHub;
let folder: Awaited<ReturnType<typeof newFolder>>;
beforeAll(async () => {
  hub = await startHub({
    "org/tiny": MODEL,
    "org/gated": { ...MODEL, token: TOKEN, refusal: { status: 401, code: "GatedRepo" } },
    "org/private": { ...MODEL, token: TOKEN, refusal: { status: 401 } },
    "org/forbidden": { ...MODEL, token: TOKEN, refusal: { status: 403 } },
    "org/gone": { ...MODEL, token: "", refusal: { status: 404, code: "RepoNotFound" } },
  });
});
afterAll(() => hub.close());
beforeEach(async () => {
  for (const name of ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH"]) vi.stubEnv(name, "");
  folder = await newFolder();
  vi.stubEnv("HF_HOME", folder.path);
  hub.requests.length = 0;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await folder.remove();
});

const open = (name: string, options: HubOptions = {}) =>
  openHubModel(name, { endpoint: hub.url, ...options }, QUICK);

const messageOf = async (failure: Promise<unknown>): Promise<string> => {
  const error = await failure.then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(FusewireError);
  return String(error?.message);
};

describe("refusals", () => {
  test.each<[string, HubOptions, string]>([
    ["org/none", {}, "there is no model 'org/none' at http"],
    ["org/none", {}, "or it is private; check the name, or give a token"],
    ["org/none", { token: "hf_other" }, "the hub refuses the token (401) for 'org/none'"],
    ["org/gone", { token: "hf_other" }, "check the name, and that the account of this token may see it"],
    ["org/private", {}, "or it is private"],
    ["org/gated", {}, "'org/gated' is gated: accept its terms at http"],
    ["org/gated", {}, "the option token, the variable HF_TOKEN, or 'hf auth login'"],
    ["org/gated", { token: "hf_other" }, "the account of this token has no access; ask for it at http"],
    ["org/forbidden", {}, "forbids 'org/forbidden' without a token (403)"],
    ["org/forbidden", { token: "hf_other" }, "this token may not read 'org/forbidden' (403)"],
    ["org/tiny", { revision: "v9" }, "'org/tiny' has no revision 'v9'; give a branch, tag or commit"],
  ])("%s %j: %s", async (name, options, message) => {
    const text = await messageOf(open(name, options));
    expect(text).toContain(message);
    expect(text).not.toContain("hf_other");
    expect(hub.requests, "asked once").toHaveLength(1);
  });

  test("a file that vanished is told from a model that is not there, without the signed address", async () => {
    const model = await open("org/tiny");
    const { "model.safetensors": _, ...rest } = FILES;
    hub.models.set("org/tiny", { ...MODEL, commits: { [COMMIT]: rest } });
    const text = await messageOf(model.open("model.safetensors"));
    hub.models.set("org/tiny", MODEL);
    expect(text).toContain("'org/tiny' has no file model.safetensors in revision 'main'");
    expect(text).not.toContain("signature");
  });

  test("a server that is no hub", async () => {
    const elsewhere = (body: string) => ({
      ...QUICK,
      fetch: async () => new Response(body, { headers: { "content-type": "text/html" } }),
    });
    for (const body of ["<html>", "{}"])
      expect(
        await messageOf(
          openHubModel("org/tiny", { endpoint: hub.url, cache_dir: folder.path }, elsewhere(body)),
        ),
      ).toContain("does not answer as a Hugging Face hub does");
  });

  test("a hub that is not there", async () => {
    const text = await messageOf(open("org/tiny", { endpoint: "http://127.0.0.1:9" }));
    expect(text).toMatch(/^cannot get 'org\/tiny' from http:\/\/127\.0\.0\.1:9 \(.+\); check the network/);
  });
});

describe("tokens", () => {
  test.each<[string, () => Promise<HubOptions>]>([
    ["the option", async () => ({ token: ` ${TOKEN}\n` })],
    [
      "HF_TOKEN",
      async () => {
        vi.stubEnv("HF_TOKEN", TOKEN);
        return {};
      },
    ],
    [
      "the file of hf auth login",
      async () => {
        await writeFile(join(folder.path, "token"), `${TOKEN}\n`);
        return {};
      },
    ],
  ])("come from %s", async (_, prepare) => {
    const options = await prepare();
    expect((await open("org/gated", options)).commit).toBe(COMMIT);
    expect(await messageOf(open("org/gated", { ...options, token: false }))).toContain("is gated");
  });

  test("a broken one is refused without being shown", async () => {
    const text = await messageOf(open("org/tiny", { token: "hf_a\nb_secret" }));
    expect(text).toContain("the token is empty or has characters that tokens do not have");
    expect(text).not.toContain("secret");
  });
});

describe("what is asked for", () => {
  test.each<[string, HubOptions, string]>([
    ["../etc", {}, '"../etc" is not a model name of the hub; expected owner/name'],
    ["a/b/c", {}, "is not a model name"],
    ["org/tiny", { revision: "../x" }, '"../x" is not a revision'],
    ["org/tiny", { endpoint: "hub" }, `the hub's endpoint "hub" is not an address`],
  ])("%s %j", async (name, options, message) => {
    expect(await messageOf(open(name, options))).toContain(message);
    expect(hub.requests).toEqual([]);
  });

  test("options have names and types", async () => {
    const wrong: object = { cacheDir: "x" };
    expect(await messageOf(open("org/tiny", wrong))).toContain("'cacheDir' is not an option of the hub");
    const mistyped: object = { token: 5 };
    expect(await messageOf(open("org/tiny", mistyped))).toBe("'token' is number, expected a text or false");
  });
});

test("a download that cannot fit fails before it starts", async () => {
  await expect(assertSpace(folder.path, 2 ** 60, "model.safetensors")).rejects.toThrow(
    /^the disk is too full for model.safetensors: 1152921504607 MB more are needed and \d+ MB are free in/,
  );
  await assertSpace(folder.path, 1, "model.safetensors");
});

// root may write anywhere, so that only a file where a folder should be stops it.
test("a cache that cannot be written", async () => {
  await writeFile(join(folder.path, "hub"), "");
  expect(await messageOf((await open("org/tiny")).open("config.json"))).toMatch(
    /^cannot write .* choose another place with cache_dir or HF_HUB_CACHE/,
  );
});
