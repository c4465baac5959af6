import { FusewireError } from "@fusewire/ir";
import { createFetch } from "#fetch";
import { type Keeper, openKeeper } from "../kept/index.ts";
import { CHUNK, chunkedSource, chunkPart } from "./chunked.ts";
import { assertInsideName, type ModelFiles } from "./files.ts";
import type { FileProgress } from "./progress.ts";
import { ABSENT, begin, type Content, fetchChunk, type Get, type Part, send, tagOf } from "./ranges.ts";

export interface FetchFilesOptions {
  /** Used instead of the global one: to add headers, credentials or a signal. */
  readonly fetch?: Get | undefined;
  /** Whether a page keeps what it has downloaded for the next visit; true unless given. */
  readonly cache?: boolean | undefined;
  readonly progress_callback?: ((event: FileProgress) => void) | undefined;
  /** Where files are kept; for tests. */
  readonly keeper?: Keeper;
}

/**
 * The files of a model folder on a web server, read by ranges, each byte asked for once. In a page the address may be
 * relative, and what was downloaded is kept for the next visit, which asks only whether it is still the same (by its
 * ETag, or its Last-Modified). A server that does not know ranges works as well; it sends each file whole.
 */
export function fetchFiles(address: string | URL, options: FetchFilesOptions = {}): ModelFiles {
  const base = folderUrl(address);
  const location = `'${base.href}'`;
  const get = options.fetch ?? createFetch();
  const { cache = true, progress_callback: onProgress } = options;
  const absences = new Map<string, string>();
  /** Small files that have been opened: each part of a model reads its settings from them. */
  const known = new Map<string, Content>();
  const unkept: string[] = [];
  const inPage = cache && globalThis.isSecureContext === true;
  let opened: Keeper | undefined = options.keeper;
  let opening: Promise<Keeper> | undefined;
  const keeperOf = async (): Promise<Keeper> => {
    opening ??= openKeeper(base.href, cache);
    opened ??= await opening;
    return opened;
  };
  return {
    location,
    async open(name) {
      assertInsideName(name, location);
      const url = new URL(name.split("/").map(encodeURIComponent).join("/"), base);
      const keeper = await keeperOf();
      const found = known.get(name) ?? (await findKept(get, url, name, keeper)) ?? (await begin(get, url));
      if ("absent" in found) {
        absences.set(name, found.absent);
        return undefined;
      }
      const { size, tag } = found;
      const folder = folderName(name, size, tag);
      const arrived = isPart(found) ? await keepBeginning(keeper, name, folder, found) : 0;
      if (size <= CHUNK) known.set(name, { size, tag });
      if (arrived > 0 && tag === undefined && inPage)
        unkept.push(`${url} is kept for this visit only, for it comes with neither ETag nor Last-Modified`);
      return chunkedSource({
        name: url.href,
        size,
        chunkBytes: CHUNK,
        keeper,
        folder,
        fetchChunk: (start, length) => fetchChunk(get, url, start, length, { size, tag }),
        arrived,
        onProgress: onProgress && ((progress) => onProgress({ file: name, ...progress })),
      });
    },
    absence: (name) => absences.get(name),
    notices: () => [...(opened?.notices() ?? []), ...unkept],
  };
}

function folderUrl(address: string | URL): URL {
  // Neither exists in Node, and workers have no document.
  const { document, location } = globalThis as { document?: Document; location?: Location };
  const here = document?.baseURI ?? location?.href;
  const url = URL.canParse(address, here) ? new URL(address, here) : undefined;
  if (url?.protocol !== "https:" && url?.protocol !== "http:")
    throw new FusewireError(
      `'${address}' is not the address of a folder; give one such as https://example.org/models/tales`,
    );
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

const isPart = (found: Content | Part): found is Part => "bytes" in found;

/** Contents that nothing tells apart are kept for this visit only. */
const folderName = (name: string, size: number, tag: string | undefined): string =>
  `${encodeURIComponent(name)}@${size}@${tag === undefined ? "" : encodeURIComponent(tag)}`;

/** What is kept of the file, if the server still has the same; what it has no longer is dropped. */
async function findKept(get: Get, url: URL, name: string, keeper: Keeper): Promise<Content | undefined> {
  const own = (await keeper.folders()).filter((folder) => folder.startsWith(`${encodeURIComponent(name)}@`));
  if (own.length === 0) return undefined;
  const { ok, status, headers } = await send(get, url, { method: "HEAD" }, async (response) => {
    // Without its end, which has no bytes, browsers count the answer as cut off.
    await response.arrayBuffer();
    return response;
  });
  const tag = tagOf(headers);
  let found: Content | undefined;
  for (const folder of own) {
    const [, size, kept] = folder.split("@");
    if (ok && tag !== undefined && kept === encodeURIComponent(tag)) found = { size: Number(size), tag };
    // A server that does not answer such questions is asked for the file instead, which tells.
    else if (ok || ABSENT.includes(status)) await keeper.remove(folder);
  }
  return found;
}

/** Keeps what has come of a file, in place of any other content of it; gives its bytes. */
async function keepBeginning(
  keeper: Keeper,
  name: string,
  folder: string,
  { bytes, size }: Part,
): Promise<number> {
  for (const other of await keeper.folders())
    if (other.startsWith(`${encodeURIComponent(name)}@`) && other !== folder) await keeper.remove(other);
  const length = bytes instanceof Blob ? size : bytes.byteLength;
  for (let start = 0; start < length || start === 0; start += CHUNK) {
    const end = Math.min(start + CHUNK, size);
    const part = bytes instanceof Blob ? bytes.slice(start, end) : bytes;
    await keeper.write(folder, chunkPart(start, end - start), part);
  }
  return length;
}
