import { FusewireError } from "@fusewire/ir";
import { isInsideName, isJsonObject, type JsonObject, type JsonValue } from "../files/index.ts";
import type { HubClient } from "./client.ts";
import { isCommit } from "./repo.ts";
import { readAll, send, withRetries } from "./request.ts";

/** One file of a repository. */
export interface HubFile {
  readonly name: string;
  readonly size: number;
  /** What its bytes are checked with: sha256 of a large (LFS) file, the git blob's sha1 of any other. */
  readonly hash: string;
  /** The hash of what git holds: the file, or the pointer to it. */
  readonly blobId: string;
  readonly xetHash?: string | undefined;
}

/** The files of one commit, by name. */
export type HubTree = ReadonlyMap<string, HubFile>;

export const isSha1 = (text: string): boolean => /^[0-9a-f]{40}$/.test(text);
export const isSha256 = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

/** The commit that the client's revision means now. */
export async function fetchCommit(client: HubClient): Promise<string> {
  if (isCommit(client.revision)) return client.revision;
  const { modelInfo } = await import("@huggingface/hub");
  const info = await modelInfo({
    name: client.name,
    revision: client.revision,
    hubUrl: client.endpoint,
    additionalFields: ["sha"],
    fetch: apiFetch(client),
  });
  if (typeof info.sha !== "string" || !isCommit(info.sha)) throw notAHub(client);
  return info.sha;
}

/** All files of a commit. */
export async function fetchTree(client: HubClient, commit: string): Promise<HubTree> {
  const { listFiles } = await import("@huggingface/hub");
  const files = new Map<string, HubFile>();
  const pages = listFiles({
    repo: { type: "model", name: client.name },
    revision: commit,
    recursive: true,
    hubUrl: client.endpoint,
    fetch: apiFetch(client),
  });
  for await (const entry of pages) {
    if (entry.type !== "file") continue;
    const file = checkFile({
      name: entry.path,
      size: entry.lfs?.size ?? entry.size,
      hash: entry.lfs?.oid ?? entry.oid ?? "",
      blobId: entry.oid ?? "",
      ...(entry.xetHash === undefined ? {} : { xetHash: entry.xetHash }),
    });
    if (file) files.set(file.name, file);
  }
  return files;
}

/** The names of the files right inside a folder. */
export const namesInside = (tree: HubTree, folder: string): string[] =>
  [...tree.keys()]
    .filter((name) => name.startsWith(`${folder}/`))
    .map((name) => name.slice(folder.length + 1))
    .filter((name) => !name.includes("/"));

const FORMAT_VERSION = 1;

/** A tree as `huggingface_hub` (Python, from 2.0) keeps it in the cache, so that each finds the other's. */
export function encodeTree(tree: HubTree): string {
  const entries = [...tree.values()].map((file): [string, JsonObject] => [
    file.name,
    {
      size: file.size,
      blob_id: file.blobId,
      ...(isSha256(file.hash) ? { lfs_sha256: file.hash, lfs_size: file.size } : {}),
      ...(file.xetHash === undefined ? {} : { xet_hash: file.xetHash }),
    },
  ]);
  const files = Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  return JSON.stringify({ format_version: FORMAT_VERSION, files }, undefined, 1);
}

/** Reads what `encodeTree` wrote; undefined where the text is of another version or damaged, for it can be fetched again. */
export function decodeTree(text: string): HubTree | undefined {
  const value = parseOrUndefined(text);
  if (!isJsonObject(value) || value.format_version !== FORMAT_VERSION) return undefined;
  const { files } = value;
  if (!isJsonObject(files)) return undefined;
  const tree = new Map<string, HubFile>();
  for (const [name, entry] of Object.entries(files)) {
    if (!isJsonObject(entry)) return undefined;
    const { size, blob_id, lfs_sha256, xet_hash } = entry;
    if (typeof size !== "number" || typeof blob_id !== "string") return undefined;
    const file = checkFile({
      name,
      size,
      hash: typeof lfs_sha256 === "string" ? lfs_sha256 : blob_id,
      blobId: blob_id,
      ...(typeof xet_hash === "string" ? { xetHash: xet_hash } : {}),
    });
    if (file) tree.set(name, file);
  }
  return tree;
}

/** The file, or undefined for one that cannot be kept or checked: names become paths, and hashes too. */
function checkFile(file: HubFile): HubFile | undefined {
  const sound =
    isInsideName(file.name) &&
    Number.isSafeInteger(file.size) &&
    file.size >= 0 &&
    (isSha1(file.hash) || isSha256(file.hash));
  return sound ? file : undefined;
}

function parseOrUndefined(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The library's requests, sent our way: with retries, our errors, and tokens of any form. */
const apiFetch =
  (client: HubClient): typeof fetch =>
  (input) => {
    const url = input instanceof Request ? input.url : String(input);
    return withRetries(client, async () => {
      const answer = await send(client, url, { accept: "application/json" });
      const body = await readAll(answer);
      const text = new TextDecoder().decode(body);
      if (parseOrUndefined(text) === undefined) throw notAHub(client);
      return new Response(body, { headers: answer.headers });
    });
  };

const notAHub = (client: HubClient): FusewireError =>
  new FusewireError(
    `${client.endpoint} does not answer as a Hugging Face hub does; check the endpoint (HF_ENDPOINT)`,
  );

/** Where the bytes of a file are. */
export const fileUrl = (client: HubClient, commit: string, name: string): string =>
  `${client.endpoint}/${client.name}/resolve/${commit}/${name.split("/").map(encodeURIComponent).join("/")}`;
