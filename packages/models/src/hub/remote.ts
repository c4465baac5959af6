import { FusewireError } from "@fusewire/ir";
import { assertInsideName, type ByteSource, CHUNK, chunkedSource, type ModelFiles } from "../files/index.ts";
import { type Keeper, openKeeper } from "../kept/index.ts";
import { checkToken, defaultTransport, type HubClient, type Transport } from "./client.ts";
import { notCachedError, UnreachableError } from "./errors.ts";
import {
  decodeTree,
  encodeTree,
  fetchCommit,
  fetchTree,
  fileUrl,
  type HubFile,
  type HubTree,
  isSha256,
  namesInside,
} from "./listing.ts";
import { checkHubOptions, type HubOptions } from "./options.ts";
import { assertRepoId, assertRevision, checkEndpoint, DEFAULT_ENDPOINT, DEFAULT_REVISION } from "./repo.ts";
import { readAll, send, transientError, withRetries } from "./request.ts";
import { isReadable } from "./wanted.ts";

/** What tests replace. */
export interface RemoteSetup {
  readonly transport?: Transport;
  readonly keeper?: Keeper;
  readonly chunkBytes?: number;
}

interface Remote {
  readonly client: HubClient;
  readonly keeper: Keeper;
  readonly chunkBytes: number;
  readonly commit: string;
  readonly tree: HubTree;
  readonly offline: string | undefined;
  readonly onProgress: HubOptions["progress_callback"];
}

/**
 * A model of the hub for places without a disk, such as pages: files are read by ranges of fixed chunks, which are kept
 * (see `kept`), so that an interrupted load goes on and a second visit fetches nothing. Files of one chunk are checked
 * against their hash; of longer ones only the size is, for browsers hash no streams.
 */
export async function openRemoteModel(
  name: string,
  options: HubOptions = {},
  setup: RemoteSetup = {},
): Promise<ModelFiles> {
  checkHubOptions(options);
  assertRepoId(name);
  const { revision = DEFAULT_REVISION, token, signal, endpoint = DEFAULT_ENDPOINT, cache_dir } = options;
  assertRevision(revision);
  if (cache_dir !== undefined)
    throw new FusewireError("'cache_dir' is a folder, which a page does not have; leave it out");
  const client: HubClient = {
    endpoint: checkEndpoint(endpoint),
    name,
    revision,
    token: token === undefined || token === false ? undefined : checkToken(token),
    signal,
    transport: setup.transport ?? defaultTransport(),
  };
  const keeper =
    setup.keeper ?? (await openKeeper(`${client.endpoint}/${client.name}`, options.cache !== false));
  const { commit, tree, offline } = await findTree(client, keeper, options.local_files_only === true);
  const remote: Remote = {
    client,
    keeper,
    chunkBytes: setup.chunkBytes ?? CHUNK,
    commit,
    tree,
    offline,
    onProgress: options.progress_callback,
  };
  const location = `'${name}'`;
  return {
    location,
    async open(file) {
      assertInsideName(file, location);
      const entry = isReadable(file) ? tree.get(file) : undefined;
      return entry && remoteSource(remote, entry);
    },
    async list(folder) {
      assertInsideName(folder, location);
      return namesInside(tree, folder);
    },
    notices: () => keeper.notices(),
  };
}

type Found = Pick<Remote, "commit" | "tree" | "offline">;

/** The folder with the files of each revision, as they were when it was last asked for. */
const REVISIONS = "revisions";

async function findTree(client: HubClient, keeper: Keeper, localOnly: boolean): Promise<Found> {
  const part = encodeURIComponent(client.revision);
  const cached = async (offline: string): Promise<Found | undefined> => {
    const kept = await readRevision(keeper, part);
    return kept && { ...kept, offline };
  };
  if (localOnly) {
    const found = await cached("local_files_only is set");
    if (found) return found;
    throw notCachedError(client, `'${client.name}'`, "the cache of this page", "local_files_only is set");
  }
  try {
    const commit = await fetchCommit(client);
    const tree = await fetchTree(client, commit);
    await keeper.write(REVISIONS, part, new TextEncoder().encode(commit + encodeTree(tree)));
    await dropUnused(keeper);
    return { commit, tree, offline: undefined };
  } catch (error) {
    const found = error instanceof UnreachableError && (await cached("the hub cannot be reached"));
    if (found) return found;
    throw error;
  }
}

async function readRevision(
  keeper: Keeper,
  part: string,
): Promise<Pick<Remote, "commit" | "tree"> | undefined> {
  const text = new TextDecoder().decode(await keeper.whole(REVISIONS, part));
  const tree = decodeTree(text.slice(40));
  return tree && { commit: text.slice(0, 40), tree };
}

/** Deletes the files that no revision has any more. */
async function dropUnused(keeper: Keeper): Promise<void> {
  const used = new Set([REVISIONS]);
  for (const part of await keeper.parts(REVISIONS))
    for (const { hash } of (await readRevision(keeper, part))?.tree.values() ?? []) used.add(hash);
  for (const folder of await keeper.folders()) if (!used.has(folder)) await keeper.remove(folder);
}

const remoteSource = (remote: Remote, file: HubFile): ByteSource =>
  chunkedSource({
    name: file.name,
    size: file.size,
    chunkBytes: remote.chunkBytes,
    keeper: remote.keeper,
    // The hash, not the commit: a file that stays the same in a new commit is not fetched again.
    folder: file.hash,
    async fetchChunk(start, length) {
      const { client, offline } = remote;
      if (offline !== undefined)
        throw notCachedError(client, `${file.name} of '${client.name}'`, "the cache of this page", offline);
      return fetchChunk(remote, file, start, length);
    },
    onProgress: remote.onProgress && ((progress) => remote.onProgress?.({ file: file.name, ...progress })),
  });

async function fetchChunk(
  { client, commit }: Remote,
  file: HubFile,
  start: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const url = fileUrl(client, commit, file.name);
  const whole = length === file.size;
  const headers: Record<string, string> = whole ? {} : { range: `bytes=${start}-${start + length - 1}` };
  return withRetries(client, async () => {
    const answer = await send(client, url, headers, file.name);
    if (!whole && answer.status !== 206) {
      await answer.discard();
      throw new FusewireError(
        `the server of ${file.name} ignores ranges (${answer.status}); use the hub itself, or files of your own (see ModelFiles)`,
      );
    }
    const bytes = await readAll(answer);
    if (bytes.byteLength < length)
      throw transientError(`the answer ended after ${bytes.byteLength} of ${length} bytes`);
    if (bytes.byteLength > length || (whole && !(await hasHash(bytes, file.hash))))
      throw new FusewireError(
        `${file.name} of '${client.name}' is not what the hub states; check the endpoint or the proxy`,
      );
    return bytes;
  });
}

async function hasHash(bytes: Uint8Array<ArrayBuffer>, expected: string): Promise<boolean> {
  // Pages on plain http have no subtle.
  if (!globalThis.crypto?.subtle) return true;
  const head = new TextEncoder().encode(isSha256(expected) ? "" : `blob ${bytes.byteLength}\0`);
  const data = new Uint8Array(head.byteLength + bytes.byteLength);
  data.set(head);
  data.set(bytes, head.byteLength);
  const digest = await crypto.subtle.digest(isSha256(expected) ? "SHA-256" : "SHA-1", data);
  return (
    Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("") === expected
  );
}
