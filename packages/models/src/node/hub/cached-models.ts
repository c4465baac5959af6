import { lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { FusewireError } from "@fusewire/ir";
import { assertRepoId, DEFAULT_REVISION, type HubOptions } from "../../hub/index.ts";
import { diskError, statFile } from "./disk.ts";
import { hubSettings } from "./settings.ts";
import { readRef, repoStore, snapshotPath } from "./store.ts";

/** A model in Hugging Face's shared cache. */
export interface CachedModel {
  /** `owner/name` */
  readonly name: string;
  /** Its folder in the cache, with all revisions. */
  readonly folder: string;
  /** Bytes on the disk, those of unfinished downloads included. */
  readonly bytes: number;
  /** Bytes of downloads that have not been finished: pulling the model goes on from there. */
  readonly unfinished: number;
  /** When a file of it was read or written last, as far as the file system says. */
  readonly lastUsed: Date;
}

type CacheOptions = Pick<HubOptions, "cache_dir">;

const PREFIX = "models--";

/** All models in the cache, the one used last first; none where there is no cache yet. */
export async function listCachedModels(options: CacheOptions = {}): Promise<CachedModel[]> {
  const { cacheDir } = await hubSettings({ ...options, token: false });
  const folders = (await readdir(cacheDir).catch(() => [])).filter((name) => name.startsWith(PREFIX));
  const models = await Promise.all(folders.map((name) => describe(join(cacheDir, name), nameOf(name))));
  return models.sort((a, b) => b.lastUsed.getTime() - a.lastUsed.getTime());
}

const nameOf = (folder: string): string => folder.slice(PREFIX.length).replace("--", "/");

async function describe(folder: string, name: string): Promise<CachedModel> {
  const blobs = join(folder, "blobs");
  const files = await readdir(blobs).catch(() => []);
  const infos = await Promise.all(
    files.map(async (file) => ({ file, info: await lstat(join(blobs, file)).catch(() => undefined) })),
  );
  const sizes = infos.map(({ file, info }) => ({ file, bytes: info?.size ?? 0 }));
  const sum = (some: typeof sizes) => some.reduce((all, { bytes }) => all + bytes, 0);
  const times = infos.flatMap(({ info }) => (info ? [info.atimeMs, info.mtimeMs] : []));
  return {
    name,
    folder,
    bytes: sum(sizes),
    unfinished: sum(sizes.filter(({ file }) => file.endsWith(".incomplete"))),
    lastUsed: new Date(Math.max(0, ...times)),
  };
}

/** A model that is in the cache. Throws a FusewireError that names those that are, where it is not. */
export async function findCachedModel(name: string, options: CacheOptions = {}): Promise<CachedModel> {
  assertRepoId(name);
  const models = await listCachedModels(options);
  const found = models.find((model) => model.name === name);
  if (found) return found;
  const { cacheDir } = await hubSettings({ ...options, token: false });
  const others =
    models.length === 0 ? "which holds no models" : `which has ${models.map((one) => one.name).join(", ")}`;
  throw new FusewireError(`'${name}' is not in the cache '${cacheDir}', ${others}`);
}

/** The folder of a cached model's files at a revision, to be opened as a directory. */
export async function cachedDirectory(
  name: string,
  options: CacheOptions & Pick<HubOptions, "revision"> = {},
): Promise<string> {
  await findCachedModel(name, options);
  const { revision = DEFAULT_REVISION } = options;
  const store = await repoStore((await hubSettings({ ...options, token: false })).cacheDir, name);
  const commit = await readRef(store, revision);
  const directory = commit === undefined ? undefined : snapshotPath(store, commit);
  if (directory === undefined || !(await statFile(join(directory, "config.json"))))
    throw new FusewireError(
      `revision '${revision}' of '${name}' is not in the cache; run 'fusewire pull ${name}'`,
    );
  return directory;
}

/** Deletes a model from the cache, all revisions and unfinished downloads of it, and gives what was there. */
export async function removeCachedModel(name: string, options: CacheOptions = {}): Promise<CachedModel> {
  const model = await findCachedModel(name, options);
  const { cacheDir } = await hubSettings({ ...options, token: false });
  const { locks } = await repoStore(cacheDir, name);
  for (const folder of [model.folder, locks])
    await rm(folder, { recursive: true, force: true }).catch((error) => {
      throw diskError(folder, error);
    });
  return model;
}
