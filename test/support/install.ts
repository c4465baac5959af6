/** The packages as a user gets them: built, packed, and installed by name into an empty folder. */

import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { serveRegistry } from "./registry.ts";
import { run } from "./run.ts";

export const workspace = fileURLToPath(new URL("../..", import.meta.url));

/** What runs JavaScript outside of browsers, by the npm package that holds its binary for this system. */
const RUNTIMES = {
  "Node 20": `node-${system()}@20`,
  "Node 22": `node-${system()}@22`,
  "Node 24": `node-${system()}@24`,
  "Node 26": `node-${system()}@26`,
  Deno: process.platform === "linux" ? `@deno/linux-${process.arch}-glibc` : `@deno/${system()}`,
  Bun: `@oven/bun-${process.arch === "arm64" ? system().replace("arm64", "aarch64") : system()}`,
};

export type Runtime = keyof typeof RUNTIMES;
export const NODES = ["Node 20", "Node 22", "Node 24", "Node 26"] as const satisfies readonly Runtime[];

export interface Installed {
  /** The user's folder. */
  readonly folder: string;
  readonly tarballs: readonly string[];
  /** Bytes of `npm install fusewire` in an empty folder. */
  readonly bytes: number;
  /** The program of a runtime. */
  readonly program: (runtime: Runtime) => string;
  /** Installs more into the user's folder. */
  readonly add: (...packages: string[]) => Promise<void>;
  dispose(): void;
}

/** Third-party packages and runtimes come from the registry that npm is set to. */
export async function installPackages(): Promise<Installed> {
  const root = mkdtempSync(join(tmpdir(), "fusewire-packages-"));
  const [packed, folder, tools] = [join(root, "packed"), join(root, "user"), join(root, "tools")];
  await run("npx", ["-y", "pnpm@10", "-s", "pack:all", packed], { cwd: workspace });
  const tarballs = readdirSync(packed).map((name) => join(packed, name));
  const registry = await serveRegistry(tarballs);
  const install = async (where: string, ...packages: string[]) => {
    const quiet = ["--no-audit", "--no-fund", "--ignore-scripts"];
    await run("npm", ["install", ...quiet, "--registry", registry.address, ...packages], { cwd: where });
  };
  for (const each of [folder, tools]) {
    mkdirSync(each);
    writeFileSync(join(each, "package.json"), JSON.stringify({ private: true, type: "module" }));
  }
  await install(folder, "fusewire");
  const bytes = sizeOf(join(folder, "node_modules"));
  const names = Object.keys(RUNTIMES) as Runtime[];
  const alias = (runtime: Runtime) => runtime.toLowerCase().replace(" ", "");
  await install(tools, ...names.map((runtime) => `${alias(runtime)}@npm:${RUNTIMES[runtime]}`));
  return {
    folder,
    tarballs,
    bytes,
    program(runtime) {
      const home = join(tools, "node_modules", alias(runtime));
      const name = runtime.startsWith("Node") ? "node" : alias(runtime);
      return runtime === "Deno" ? join(home, name) : join(home, "bin", name);
    },
    add: (...packages) => install(folder, ...packages),
    dispose() {
      registry.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Bytes of the files in a folder. */
function sizeOf(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + lstatSync(join(parentPath, name)).size, 0);
}

function system(): string {
  return `${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
}
