import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** A model of the test hub: what each revision means, and the files of each commit. */
export interface FakeModel {
  readonly revisions: Readonly<Record<string, string>>;
  readonly commits: Readonly<Record<string, Readonly<Record<string, Uint8Array>>>>;
  /** The token that it wants, and the code that refusals carry. */
  readonly token?: string;
  readonly refusal?: { readonly status: number; readonly code?: string };
}

/** What goes wrong with one request of a path; requests take one after the other, and none after the last. */
export interface Fault {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** The connection breaks after so many bytes of the body. */
  readonly cutAfter?: number;
  readonly ignoreRange?: boolean;
  /** Other bytes than the true ones. */
  readonly bytes?: Uint8Array;
  /** No answer, ever. */
  readonly silent?: boolean;
  /** A pause after each 16 KiB. */
  readonly slowMs?: number;
  /** The first byte of the answer, whatever was asked. */
  readonly startAt?: number;
  readonly etag?: string;
}

export interface SeenRequest {
  readonly host: "hub" | "cdn";
  readonly path: string;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
  readonly authorization: string | undefined;
}

export interface FakeHub {
  readonly url: string;
  readonly requests: SeenRequest[];
  /** By file name, or `api` for the first request of any kind to the hub's interface. */
  readonly faults: Map<string, Fault[]>;
  readonly models: Map<string, FakeModel>;
  close(): Promise<void>;
}

const PIECE = 16 * 1024;

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
export const gitSha1 = (bytes: Uint8Array): string =>
  createHash("sha1").update(`blob ${bytes.byteLength}\0`).update(bytes).digest("hex");

/** As on the hub, large files are LFS files: named by sha256, and served by another host. */
export const isLarge = (name: string): boolean => /\.(?:safetensors|bin)$/.test(name);
export const hashOf = (name: string, bytes: Uint8Array): string =>
  isLarge(name) ? sha256(bytes) : gitSha1(bytes);

/** Starts a hub on this machine, with a second server that large files are redirected to. */
export async function startHub(models: Readonly<Record<string, FakeModel>>): Promise<FakeHub> {
  const requests: SeenRequest[] = [];
  const faults = new Map<string, Fault[]>();
  const known = new Map(Object.entries(models));
  const note = (host: "hub" | "cdn", request: IncomingMessage) =>
    requests.push({
      host,
      path: request.url ?? "",
      range: request.headers.range,
      ifRange: request.headers["if-range"]?.toString(),
      authorization: request.headers.authorization,
    });
  const cdn = createServer((request, response) => {
    note("cdn", request);
    const [, repo = "", commit = "", name = ""] = new URL(request.url ?? "", origin(cdn)).pathname
      .split("/")
      .map(decodeURIComponent);
    void sendFile(
      request,
      response,
      known.get(repo)?.commits[commit]?.[name],
      faults.get(name)?.shift(),
      name,
    );
  });
  await listen(cdn);
  const hub = createServer((request, response) => {
    note("hub", request);
    const url = new URL(request.url ?? "", origin(hub));
    const api = url.pathname.startsWith("/api/models/");
    const [, repo = "", rest = ""] = /^(?:\/api\/models)?\/([^/]+\/[^/]+)\/(.*)$/.exec(url.pathname) ?? [];
    const fault = api ? faults.get("api")?.shift() : undefined;
    if (fault?.silent) return;
    if (fault?.status) return refuse(response, fault.status, undefined, fault.headers);
    const model = known.get(repo);
    if (!model) return refuse(response, 401);
    if (model.refusal && request.headers.authorization !== `Bearer ${model.token}`)
      return refuse(response, model.refusal.status, model.refusal.code);
    const [kind, revision = "", ...path] = rest.split("/").map(decodeURIComponent);
    const commit = model.revisions[revision] ?? revision;
    const files = model.commits[commit];
    if (!files) return refuse(response, 404, "RevisionNotFound");
    if (kind === "revision") return sendJson(response, { id: repo, _id: "1", sha: commit, lastModified: 0 });
    if (kind === "tree") return sendTree(response, url, files);
    const name = path.join("/");
    const bytes = files[name];
    if (kind !== "resolve" || !bytes) return refuse(response, 404, "EntryNotFound");
    response.setHeader("x-repo-commit", commit);
    if (!isLarge(name)) return void sendFile(request, response, bytes, faults.get(name)?.shift(), name);
    const signed = `${origin(cdn)}/${[repo, commit, name].map(encodeURIComponent).join("/")}?signature=secret`;
    const linked = { "x-linked-etag": `"${sha256(bytes)}"`, "x-linked-size": bytes.byteLength };
    response.writeHead(302, { location: signed, ...linked }).end();
  });
  await listen(hub);
  return {
    url: origin(hub),
    requests,
    faults,
    models: known,
    async close() {
      for (const server of [hub, cdn]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}

const listen = (server: Server): Promise<void> =>
  new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

function origin(server: Server): string {
  const address: AddressInfo | string | null = server.address();
  return `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
}

function refuse(response: ServerResponse, status: number, code?: string, headers = {}): void {
  response.writeHead(status, { ...(code === undefined ? {} : { "x-error-code": code }), ...headers });
  response.end('{"error":"refused"}');
}

const sendJson = (response: ServerResponse, value: unknown, headers = {}): void => {
  response.writeHead(200, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));
};

/** Two entries a page, so that every list has several. */
function sendTree(response: ServerResponse, url: URL, files: Readonly<Record<string, Uint8Array>>): void {
  const entries = Object.entries(files).map(([path, bytes]) => {
    const size = bytes.byteLength;
    if (!isLarge(path)) return { type: "file", path, size, oid: gitSha1(bytes) };
    const pointer = gitSha1(new TextEncoder().encode(sha256(bytes)));
    const lfs = { oid: sha256(bytes), size, pointerSize: 134 };
    return { type: "file", path, size, oid: pointer, lfs, xetHash: sha256(bytes).replace(/^./, "0") };
  });
  const from = Number(url.searchParams.get("cursor") ?? 0);
  const next = new URL(url);
  next.searchParams.set("cursor", String(from + 2));
  sendJson(
    response,
    [{ type: "directory", path: "sub", size: 0, oid: "0".repeat(40) }, ...entries.slice(from, from + 2)],
    from + 2 < entries.length ? { link: `<${next}>; rel="next"` } : {},
  );
}

async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  truth: Uint8Array | undefined,
  fault: Fault = {},
  name: string,
): Promise<void> {
  if (fault.silent) return;
  if (!truth) return refuse(response, 404, "EntryNotFound");
  if (fault.status) return refuse(response, fault.status, undefined, fault.headers);
  const bytes = fault.bytes ?? truth;
  const etag = fault.etag ?? `"${hashOf(name, bytes)}"`;
  const asked = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  const ifRange = request.headers["if-range"];
  const ranged = asked && !fault.ignoreRange && (ifRange === undefined || ifRange === etag);
  const start = fault.startAt ?? (ranged ? Number(asked[1]) : 0);
  const end = ranged && asked[2] ? Math.min(Number(asked[2]) + 1, bytes.byteLength) : bytes.byteLength;
  const body = bytes.subarray(start, end);
  const partial = ranged || fault.startAt !== undefined;
  response.writeHead(partial ? 206 : 200, {
    etag,
    "content-length": body.byteLength,
    ...(partial ? { "content-range": `bytes ${start}-${end - 1}/${bytes.byteLength}` } : {}),
  });
  const stop = Math.min(fault.cutAfter ?? Number.POSITIVE_INFINITY, body.byteLength);
  for (let at = 0; at < stop && !response.destroyed; at += PIECE) {
    await new Promise((resolve) => response.write(body.subarray(at, Math.min(at + PIECE, stop)), resolve));
    if (fault.slowMs) await sleep(fault.slowMs);
  }
  if (stop < body.byteLength) response.destroy();
  else response.end();
}
