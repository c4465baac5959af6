import { chmod, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { COMMIT, tinyHub } from "../testing/hub.ts";
import { fusewire } from "../testing/run.ts";

async function cacheFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "fusewire-models-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

test("an empty cache says how to fill it", async () => {
  const cache = join(await cacheFolder(), "none");
  const { code, stdout } = await fusewire("models", "list", "--cache-dir", cache);
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: "no models here; fusewire pull OWNER/NAME brings one\n",
  });
});

test("a model that was pulled is listed, found and deleted", async () => {
  const cache = await cacheFolder();
  await tinyHub(cache);
  expect((await fusewire("pull", "org/tiny")).code).toBe(0);
  const folder = join(cache, "models--org--tiny");
  await writeFile(join(folder, "blobs", `${"a".repeat(64)}.incomplete`), "x".repeat(1500));

  const { models } = JSON.parse((await fusewire("models", "list", "--json")).stdout);
  expect(models).toMatchObject([{ name: "org/tiny", folder, unfinished: 1500 }]);
  expect((await fusewire("models", "list")).stdout).toMatch(
    /^org\/tiny\n {2}[\d.]+ \wB, 1\.50 kB of it unfinished, last used \d{4}-\d\d-\d\d\n[\d.]+ \wB in all\n$/,
  );

  const path = await fusewire("models", "path", "org/tiny");
  expect(path.stdout).toBe(`${join(folder, "snapshots", COMMIT)}\n`);
  expect(await readdir(path.stdout.trim())).toContain("config.json");
  expect((await fusewire("models", "path", "org/tiny", "--revision", "v9")).stderr).toBe(
    "error: revision 'v9' of 'org/tiny' is not in the cache; run 'fusewire pull org/tiny'\n",
  );

  expect((await fusewire("models", "rm", "org/tiny")).stderr).toMatch(
    /^deleted org\/tiny \([\d.]+ \wB\) from /,
  );
  expect(await readdir(cache)).not.toContain("models--org--tiny");
});

test("what is not there is refused with what is, and a name that is a path is none", async () => {
  const cache = await cacheFolder();
  const rmOf = (name: string) => fusewire("models", "rm", name, "--cache-dir", cache);
  expect((await rmOf("org/none")).stderr).toBe(
    `error: 'org/none' is not in the cache '${cache}', which holds no models\n`,
  );
  expect((await rmOf("../..")).stderr).toMatch(/^error: .* is not a model name of the hub/);
});

test.skipIf(process.getuid?.() === 0)("a read-only cache is an error of one line", async () => {
  const cache = await cacheFolder();
  await tinyHub(cache);
  await fusewire("pull", "org/tiny");
  await chmod(join(cache, "models--org--tiny", "blobs"), 0o500);
  const { code, stderr } = await fusewire("models", "rm", "org/tiny");
  await chmod(join(cache, "models--org--tiny", "blobs"), 0o700);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^error: cannot write '.*' \(EACCES\); choose another place[^\n]*\n$/);
});
