import {
  type CachedModel,
  cachedDirectory,
  listCachedModels,
  removeCachedModel,
} from "@fusewire/models/node";
import type { Command } from "commander";
import { booleanFlag } from "../flags/values.ts";
import type { Io } from "../io.ts";
import { formatBytes } from "../text/units.ts";

interface CacheFlags {
  readonly cacheDir?: string;
  readonly revision?: string;
  readonly json?: boolean;
}

/** `models list`, `models path` and `models rm`: what `pull` and other tools have left in the hub's cache. */
export function addModels(program: Command, io: Io): void {
  const models = program
    .command("models")
    .description("List, find and delete models of the hub that are on this disk.");
  const inCache = (command: Command) =>
    command.option("--cache-dir <dir>", "the folder of the cache (default: as HF_HUB_CACHE or HF_HOME say)");
  const toOptions = ({ cacheDir, revision }: CacheFlags) => ({
    ...(cacheDir !== undefined && { cache_dir: cacheDir }),
    ...(revision !== undefined && { revision }),
  });

  inCache(models.command("list", { isDefault: true }))
    .description("List them with their sizes, the one used last first.")
    .addOption(booleanFlag("--json", "print one JSON object"))
    .action(async (flags: CacheFlags) => {
      const found = await listCachedModels(toOptions(flags));
      io.stdout.write(flags.json ? `${JSON.stringify({ models: found })}\n` : toTable(found));
    });
  inCache(models.command("path"))
    .description("Print the folder of one, for other programs.")
    .argument("<owner/name>", "the model")
    .option("--revision <name>", "branch, tag or commit (default: main)")
    .action(async (name: string, flags: CacheFlags) => {
      io.stdout.write(`${await cachedDirectory(name, toOptions(flags))}\n`);
    });
  inCache(models.command("rm"))
    .description("Delete one, with all its revisions and unfinished downloads.")
    .argument("<owner/name>", "the model")
    .action(async (name: string, flags: CacheFlags) => {
      const { bytes, folder } = await removeCachedModel(name, toOptions(flags));
      io.stderr.write(`deleted ${name} (${formatBytes(bytes)}) from ${folder}\n`);
    });
}

function toTable(models: readonly CachedModel[]): string {
  if (models.length === 0) return "no models here; fusewire pull OWNER/NAME brings one\n";
  const total = models.reduce((sum, { bytes }) => sum + bytes, 0);
  const rows = models.map(({ name, bytes, unfinished, lastUsed }) => {
    const partial = unfinished === 0 ? "" : `, ${formatBytes(unfinished)} of it unfinished`;
    return `${name}\n  ${formatBytes(bytes)}${partial}, last used ${lastUsed.toISOString().slice(0, 10)}\n`;
  });
  return `${rows.join("")}${formatBytes(total)} in all\n`;
}
