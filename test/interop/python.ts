/** Runs a script of this folder in Python: that of FUSEWIRE_PYTHON, or `python3`. README.md says what it must have. */

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The lines of JSON that a script prints. */
export function casesOf<Case>(script: string, ...args: string[]): Case[] {
  const python = process.env.FUSEWIRE_PYTHON ?? "python3";
  const path = fileURLToPath(new URL(script, import.meta.url));
  const { status, stdout, stderr } = spawnSync(python, [path, ...args], {
    encoding: "utf8",
    maxBuffer: 2 ** 30,
  });
  if (status !== 0) throw new Error(`${script} failed\n${stderr}`);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Case);
}
