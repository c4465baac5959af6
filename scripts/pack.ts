// `pnpm pack:all DIR`: builds the packages and packs each into DIR, as npm would publish it.

import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

function pack(given: string | undefined): number {
  // pnpm, which started this script, names itself; INIT_CWD is the folder that its user stands in.
  const { npm_execpath: pnpm, INIT_CWD: here = root } = process.env;
  if (given === undefined || pnpm === undefined) {
    console.error("usage: pnpm pack:all DIR, where DIR is a folder for the packed packages (*.tgz)");
    return 1;
  }
  const folder = resolve(here, given);
  mkdirSync(folder, { recursive: true });
  const run = (...args: string[]) =>
    execFileSync(process.execPath, [pnpm, "-s", ...args], {
      cwd: root,
      stdio: ["ignore", "ignore", "inherit"],
    });
  run("build");
  run("-r", "--filter", "./packages/*", "pack", "--pack-destination", folder);
  const packed = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  console.log(
    `packed ${packed.length} packages; in a project of yours: npm install ${join(folder, "*.tgz")}`,
  );
  return 0;
}

process.exitCode = pack(process.argv[2]);
