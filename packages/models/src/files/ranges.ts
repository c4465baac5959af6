/** Files of web servers by ranges of bytes. */
import { FusewireError } from "@fusewire/ir";
import { CHUNK } from "./chunked.ts";

/** How requests are sent. */
export type Get = (url: URL, init: RequestInit) => Promise<Response>;

/** What the server says of a file's content. */
export interface Content {
  /** Bytes of the whole file. */
  readonly size: number;
  /** What no other content of the file has; undefined where the server says nothing. */
  readonly tag: string | undefined;
}

/** The bytes that a server sent of those that were asked for, or the whole file from one that does not know ranges. */
export interface Part extends Content {
  readonly bytes: Uint8Array<ArrayBuffer> | Blob;
}

/** Instead of a file: why there is none. */
interface Absence {
  readonly absent: string;
}

/**
 * What servers answer for a file that is not there: S3 403 to whoever may not list the folder, others 410 or, to names that
 * they do not like, 400. On the hub 403 means something else; see `hub/errors.ts`.
 */
export const ABSENT: readonly number[] = [400, 403, 404, 410];

/** What tells one content of a file from another; servers of other origins may hide the first. */
export const tagOf = (headers: Headers): string | undefined =>
  headers.get("etag") ?? headers.get("last-modified") ?? undefined;

const changed = (url: URL): FusewireError =>
  new FusewireError(`${url} has changed while it was read; load it again`);

const failed = (url: URL, reason: string): FusewireError =>
  new FusewireError(`cannot fetch ${url} (${reason}); check the address and the server`);

/** Sends a request and reads what `read` wants of the answer; failures name the address. */
export async function send<T>(
  get: Get,
  url: URL,
  init: RequestInit,
  read: (response: Response) => Promise<T>,
): Promise<T> {
  try {
    // What is kept here need not lie in the browser's own cache as well.
    return await read(await get(url, { cache: "no-store", ...init }));
  } catch (error) {
    if (error instanceof FusewireError || (error instanceof Error && error.name === "AbortError"))
      throw error;
    throw failed(url, error instanceof Error ? error.message : String(error));
  }
}

function requestPart(get: Get, url: URL, start: number, length: number): Promise<Part | Absence> {
  const init = { headers: { range: `bytes=${start}-${start + length - 1}` } };
  return send(get, url, init, async (response) => {
    const { status, headers } = response;
    const tag = tagOf(headers);
    // Servers of single-page apps answer with their page where a file is missing.
    const page = headers.get("content-type")?.startsWith("text/html") && status < 300;
    if (ABSENT.includes(status) || page) {
      await response.body?.cancel();
      return { absent: page ? "the server answers with a page" : `the server answers ${status}` };
    }
    const range = headers.get("content-range") ?? "";
    if (status === 416 && range.endsWith("*/0")) return { bytes: new Uint8Array(), size: 0, tag };
    if (status !== 200 && status !== 206) throw failed(url, `the server answers ${status}`);
    if (status === 200) {
      const bytes = await response.blob();
      return { bytes, size: bytes.size, tag };
    }
    const bytes = new Uint8Array(await response.arrayBuffer());
    const found = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(range);
    if (!found)
      throw failed(url, "a server elsewhere must expose Content-Range by Access-Control-Expose-Headers");
    const [from, to, size] = found.slice(1).map(Number) as [number, number, number];
    if (from !== start || bytes.byteLength !== to + 1 - from) throw failed(url, "the answer is cut off");
    return { bytes, size, tag };
  });
}

/** The first chunk of a file, or all of it from a server that does not know ranges. */
export async function begin(get: Get, url: URL): Promise<Part | Absence> {
  const part = await requestPart(get, url, 0, CHUNK);
  if ("absent" in part || part.bytes instanceof Blob) return part;
  const wanted = Math.min(CHUNK, part.size);
  const rest = wanted - part.bytes.byteLength;
  if (rest === 0) return part;
  const bytes = new Uint8Array(wanted);
  bytes.set(part.bytes);
  bytes.set(await fetchChunk(get, url, part.bytes.byteLength, rest, part), part.bytes.byteLength);
  return { ...part, bytes };
}

/** Exactly these bytes of a file, which must still have this content. */
export async function fetchChunk(
  get: Get,
  url: URL,
  start: number,
  length: number,
  content: Content,
): Promise<Uint8Array<ArrayBuffer>> {
  const result = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const part = await requestPart(get, url, start + done, length - done);
    if ("absent" in part || part.size !== content.size || part.tag !== content.tag) throw changed(url);
    const bytes =
      part.bytes instanceof Blob
        ? new Uint8Array(await part.bytes.slice(start + done, start + length).arrayBuffer())
        : part.bytes;
    if (bytes.byteLength === 0 || bytes.byteLength > length - done)
      throw failed(url, "the answer is cut off");
    if (bytes.byteLength === length) return bytes;
    result.set(bytes, done);
    done += bytes.byteLength;
  }
  return result;
}
