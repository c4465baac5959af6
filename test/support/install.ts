/** The packages as a user gets them: built, packed, and installed into an empty folder. */

import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./run.ts";

export const workspace = fileURLToPath(new URL("../..", import.meta.url));

export const NODES = ["20", "22", "24"] as const;
export type NodeVersion = (typeof NODES)[number];

export interface Installed {
  /** The folder that they are installed into. */
  readonly folder: string;
  readonly tarballs: readonly string[];
  /** The folder of the executable `node` of a version. */
  readonly nodeFolder: (version: NodeVersion) => string;
  dispose(): void;
}

/** Third-party packages come from the registry, and so do the versions of Node. */
export async function installPackages(): Promise<Installed> {
  const root = mkdtempSync(join(tmpdir(), "fusewire-packages-"));
  const [packed, folder] = [join(root, "packed"), join(root, "user")];
  for (const each of [packed, folder]) mkdirSync(each);
  await run("npx", ["tsx", "scripts/build.ts"], { cwd: workspace });
  const pnpm = ["-y", "pnpm@10", "-r", "--filter", "./packages/*"];
  await run("npx", [...pnpm, "pack", "--pack-destination", packed], { cwd: workspace });
  const tarballs = readdirSync(packed).map((name) => join(packed, name));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const quiet = ["--no-audit", "--no-fund", "--ignore-scripts"];
  // What the npm package `node` would install, which needs a script of its own to choose it.
  const nodes = NODES.map((version) => `node${version}@npm:node-${system()}@${version}`);
  await run("npm", ["install", ...quiet, ...tarballs, ...nodes], { cwd: folder });
  return {
    folder,
    tarballs,
    nodeFolder: (version) => join(folder, "node_modules", `node${version}`, "bin"),
    dispose: () => rmSync(root, { recursive: true, force: true }),
  };
}

const system = (): string => `${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
