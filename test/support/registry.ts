/** A stand-in for the npm registry that has the packed packages, and asks the real one for everything else. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { basename } from "node:path";
import { run } from "./run.ts";

export interface Registry {
  readonly address: string;
  close(): void;
}

interface Manifest {
  readonly name: string;
  readonly version: string;
}

/** The package.json of a packed package. */
export const manifestOf = async (tarball: string): Promise<Manifest & Record<string, unknown>> =>
  JSON.parse(await run("tar", ["-xOzf", tarball, "package/package.json"], { cwd: "." }));

/** Serves packed packages as `npm publish` would have put them there, at an address of this machine alone. */
export async function serveRegistry(tarballs: readonly string[]): Promise<Registry> {
  const upstream = (await run("npm", ["config", "get", "registry"], { cwd: "." })).trim().replace(/\/$/, "");
  const files = new Map(tarballs.map((tarball) => [`/${basename(tarball)}`, readFileSync(tarball)]));
  const manifests = new Map<string, Manifest>();
  for (const tarball of tarballs) manifests.set(`/${basename(tarball)}`, await manifestOf(tarball));

  /** What the registry says of a package: its versions, here always one. */
  function describe(path: string, address: string): string | undefined {
    const found = [...manifests].find(([, { name }]) => `/${name}` === decodeURIComponent(path));
    if (!found) return undefined;
    const [file, manifest] = found;
    const integrity = `sha512-${createHash("sha512").update(files.get(file)!).digest("base64")}`;
    const dist = { tarball: `${address}${file}`, integrity };
    const { name, version } = manifest;
    return JSON.stringify({
      name,
      "dist-tags": { latest: version },
      versions: { [version]: { ...manifest, dist } },
    });
  }

  async function answer({ url = "/" }: IncomingMessage, response: ServerResponse): Promise<void> {
    const file = files.get(url);
    const own = file ?? describe(url, `http://${serverAddress()}`);
    if (own !== undefined) return void response.end(own);
    const { status, headers, body } = await fetch(upstream + url);
    response.writeHead(status, { "content-type": headers.get("content-type") ?? "application/octet-stream" });
    for await (const part of body ?? []) response.write(part);
    response.end();
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(502).end(String(error)));
  });
  const serverAddress = (): string => `127.0.0.1:${(server.address() as AddressInfo).port}`;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { address: `http://${serverAddress()}`, close: () => server.close() };
}
