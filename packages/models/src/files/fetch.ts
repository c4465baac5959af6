import { FusewireError } from "@fusewire/ir";
import { createFetch } from "#fetch";
import { assertInsideName, assertRange, type ByteSource, type ModelFiles } from "./files.ts";

export interface FetchFilesOptions {
  /** Used instead of the global one: to add headers, credentials or a signal. */
  readonly fetch?: (url: URL, init: RequestInit) => Promise<Response>;
}

/** Bytes of one request: configs come whole, and neighbouring tensors share requests. */
const BLOCK = 16 * 2 ** 20;

interface Block {
  readonly start: number;
  readonly bytes: Uint8Array;
  /** Bytes of the whole file. */
  readonly size: number;
}

/** Instead of a block: why there is no such file. */
interface Absence {
  readonly absent: string;
}

type FetchBlock = (start: number) => Promise<Block | Absence>;

/**
 * What servers answer for a file that is not there: S3 403 to whoever may not list the folder, others 410 or, to names that
 * they do not like, 400. On the hub 403 means something else; see `hub/errors.ts`.
 */
const ABSENT: readonly number[] = [400, 403, 404, 410];

/**
 * The files of a model folder on a web server, read by ranges. In a page the address may be relative. A server that
 * does not know ranges works as well; it sends each file whole.
 */
export function fetchFiles(address: string | URL, options: FetchFilesOptions = {}): ModelFiles {
  const base = folderUrl(address);
  const location = `'${base.href}'`;
  const get = options.fetch ?? createFetch();
  const absences = new Map<string, string>();
  return {
    location,
    async open(name) {
      assertInsideName(name, location);
      const url = new URL(name.split("/").map(encodeURIComponent).join("/"), base);
      const fetchBlock: FetchBlock = (start) => request(get, url, start);
      const first = await fetchBlock(0);
      if ("absent" in first) {
        absences.set(name, first.absent);
        return undefined;
      }
      return blockSource(url, first, fetchBlock);
    },
    absence: (name) => absences.get(name),
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

function blockSource(url: URL, first: Block, fetchBlock: FetchBlock): ByteSource {
  const { size } = first;
  let last = Promise.resolve(first);
  const blockWith = async (offset: number): Promise<Block> => {
    const block = await last;
    if (contains(block, offset)) return block;
    const next = fetchBlock(offset).then((found) => {
      if (!("absent" in found) && found.size === size && contains(found, offset)) return found;
      throw new FusewireError(`${url} has changed while it was read; load it again`);
    });
    // After a failure the next read starts from what was there before.
    last = next.catch(() => block);
    return next;
  };
  return {
    size,
    async read(offset, length) {
      assertRange(url.href, size, offset, length);
      const result = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const { start, bytes } = await blockWith(offset + done);
        const part = bytes.subarray(offset + done - start, offset + length - start);
        if (part.byteLength === length) return part;
        result.set(part, done);
        done += part.byteLength;
      }
      return result;
    },
    async close() {},
  };
}

const contains = ({ start, bytes }: Block, offset: number): boolean =>
  offset >= start && offset < start + bytes.byteLength;

/** The bytes from `start` on, as many as the server sends of a block. */
async function request(
  get: NonNullable<FetchFilesOptions["fetch"]>,
  url: URL,
  start: number,
): Promise<Block | Absence> {
  const failed = (reason: string) =>
    new FusewireError(`cannot fetch ${url} (${reason}); check the address and the server`);
  try {
    const response = await get(url, { headers: { range: `bytes=${start}-${start + BLOCK - 1}` } });
    const { status, headers } = response;
    // Servers of single-page apps answer with their page where a file is missing.
    const page = headers.get("content-type")?.startsWith("text/html") && status < 300;
    if (ABSENT.includes(status) || page) {
      await response.body?.cancel();
      return { absent: page ? "the server answers with a page" : `the server answers ${status}` };
    }
    const range = headers.get("content-range") ?? "";
    if (status === 416 && range.endsWith("*/0")) return { start, bytes: new Uint8Array(), size: 0 };
    if (status !== 200 && status !== 206) throw failed(`the server answers ${status}`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (status === 200) return { start: 0, bytes, size: bytes.byteLength };
    const found = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(range);
    if (!found) throw failed("a server elsewhere must expose Content-Range by Access-Control-Expose-Headers");
    const [from, to, size] = found.slice(1).map(Number) as [number, number, number];
    if (from !== start || bytes.byteLength !== to + 1 - from) throw failed("the answer is cut off");
    return { start, bytes, size };
  } catch (error) {
    if (error instanceof FusewireError || (error instanceof Error && error.name === "AbortError"))
      throw error;
    throw failed(error instanceof Error ? error.message : String(error));
  }
}
