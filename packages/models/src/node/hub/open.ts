import { FusewireError } from "@fusewire/ir";
import { assertInsideName, type ByteSource, type ModelFiles } from "../../files/index.ts";
import {
  assertRepoId,
  assertRevision,
  checkHubOptions,
  DEFAULT_REVISION,
  defaultTransport,
  fetchCommit,
  fetchTree,
  type HubClient,
  type HubOptions,
  isReadable,
  namesInside,
  notCachedError,
  type Transport,
  UnreachableError,
  wantedFiles,
} from "../../hub/index.ts";
import { openFile } from "../directory.ts";
import { statFile } from "./disk.ts";
import { type Ensured, ensureFile, type HubSession } from "./files.ts";
import { hubSettings } from "./settings.ts";
import {
  cachedNames,
  type RepoStore,
  readRef,
  readTree,
  repoStore,
  snapshotPath,
  writeTree,
} from "./store.ts";

/** The files of a model of the hub. Each is downloaded when it is opened first, and taken from the cache afterwards. */
export interface HubModelFiles extends ModelFiles {
  readonly name: string;
  /** What the revision meant when it was opened. */
  readonly commit: string;
  /** The folder of the cache that holds this commit, complete once `download` has run. */
  readonly directory: string;
  /** Fetches everything that the model needs, several files at once. */
  download(): Promise<void>;
  list(folder: string): Promise<string[]>;
  /**
   * Hashes the files that have been opened, or all that are cached, whatever was noted of earlier checks, and fetches
   * the damaged ones again. Gives their names. For when a model does not load.
   */
  repair(scope?: "opened" | "all"): Promise<string[]>;
}

const AT_ONCE = 4;

/** Opens a model of the hub (`owner/name`) through the cache that it shares with Python's huggingface_hub. */
export async function openHubModel(
  name: string,
  options: HubOptions = {},
  transport: Transport = defaultTransport(),
): Promise<HubModelFiles> {
  checkHubOptions(options);
  assertRepoId(name);
  const { revision = DEFAULT_REVISION, signal, progress_callback } = options;
  assertRevision(revision);
  const { cacheDir, endpoint, token, offline } = await hubSettings(options);
  const client: HubClient = { endpoint, name, revision, token, signal, transport };
  const store = await repoStore(cacheDir, name);
  const found =
    offline === undefined ? await findOnline(client, store) : await findCached(client, store, offline);
  return hubFiles({ client, store, ...found, onProgress: progress_callback });
}

type Found = Pick<HubSession, "commit" | "tree" | "offline">;

async function findOnline(client: HubClient, store: RepoStore): Promise<Found> {
  const cached = (await readRef(store, client.revision)) !== undefined;
  // Whoever is without a network and has the model should not wait for several attempts.
  const { transport } = client;
  const asker = { ...client, transport: { ...transport, attempts: cached ? 1 : transport.attempts } };
  try {
    const commit = await fetchCommit(asker);
    const known = await readTree(store, commit);
    const tree = known ?? (await fetchTree(asker, commit));
    if (!known) await writeTree(store, commit, tree);
    return { commit, tree, offline: undefined };
  } catch (error) {
    if (!(error instanceof UnreachableError) || !cached) throw error;
    return findCached(client, store, "the hub cannot be reached");
  }
}

async function findCached(client: HubClient, store: RepoStore, offline: string): Promise<Found> {
  const commit = await readRef(store, client.revision);
  const tree = commit === undefined ? undefined : await readTree(store, commit);
  const config =
    commit === undefined ? undefined : await statFile(snapshotPath(store, commit, "config.json"));
  if (commit === undefined || (!tree && !config))
    throw notCachedError(client, `'${client.name}'`, `'${store.cacheDir}'`, offline);
  return { commit, tree, offline };
}

function hubFiles(session: HubSession): HubModelFiles {
  const { client, store, commit, tree, offline } = session;
  const location = `'${client.name}'`;
  const missing = (what: string) =>
    notCachedError(client, `${what} of ${location}`, `'${store.cacheDir}'`, offline ?? "has not been listed");
  // Two callers of one file share its download.
  const running = new Map<string, Promise<Ensured | undefined>>();
  const opened = new Set<string>();
  const ensure = (file: string, signal = client.signal): Promise<Ensured | undefined> => {
    const known = running.get(file);
    if (known) return known;
    const ensured = ensureFile({ ...session, client: { ...client, signal } }, file).finally(() =>
      running.delete(file),
    );
    running.set(file, ensured);
    return ensured;
  };
  return {
    name: client.name,
    commit,
    directory: snapshotPath(store, commit),
    location,
    async open(file) {
      assertInsideName(file, location);
      if (!isReadable(file)) return tree?.has(file) ? unreadable(location, file) : undefined;
      const ensured = await ensure(file);
      if (ensured) opened.add(file);
      if (!ensured && !tree && (await isNeeded(session, file))) throw missing(file);
      return ensured && openFile(ensured.path);
    },
    async download() {
      if (!tree) throw missing("the list of files");
      await inParallel(wantedFiles([...tree.keys()]), client.signal, ensure);
    },
    async list(folder) {
      assertInsideName(folder, location);
      return tree ? namesInside(tree, folder) : cachedNames(store, commit, folder);
    },
    async repair(scope = "opened") {
      const damaged: string[] = [];
      const all = async () => wantedFiles(tree ? [...tree.keys()] : await cachedNames(store, commit));
      for (const file of scope === "opened" ? opened : await all()) {
        const path = snapshotPath(store, commit, file);
        if ((await statFile(path)) && (await ensureFile(session, file, "nothing"))?.fetched)
          damaged.push(file);
      }
      return damaged;
    },
  };
}

/** A file that is there but not for us: a loader may look for it, to say what the model has instead. */
const unreadable = (location: string, file: string): ByteSource => ({
  size: 0,
  async read() {
    throw new FusewireError(
      `${file} of ${location} is not downloaded; only JSON, text, templates and safetensors are`,
    );
  },
  async close() {},
});

/** Where the tree is unknown: whether a file that is not cached must exist on the hub. */
async function isNeeded({ store, commit }: HubSession, file: string): Promise<boolean> {
  if (file === "model.safetensors.index.json")
    return !(await statFile(snapshotPath(store, commit, "model.safetensors")));
  return file === "config.json" || /-\d+-of-\d+\.safetensors$/.test(file);
}

/** Runs for all names, a few at a time; the first failure stops the others and is thrown when they have stopped. */
async function inParallel(
  names: readonly string[],
  outer: AbortSignal | undefined,
  run: (name: string, signal: AbortSignal) => Promise<unknown>,
): Promise<void> {
  const stop = new AbortController();
  const signal = outer ? AbortSignal.any([outer, stop.signal]) : stop.signal;
  const queue = [...names];
  const work = async () => {
    for (let name = queue.shift(); name !== undefined && !signal.aborted; name = queue.shift())
      await run(name, signal).catch((error) => stop.abort(error));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  signal.throwIfAborted();
}
