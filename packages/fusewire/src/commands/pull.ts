import { FusewireError } from "@fusewire/ir";
import { createModel, type HubProgress, readConfig } from "@fusewire/models";
import { openHubModel } from "@fusewire/models/node";
import type { Command } from "commander";
import { Interrupted } from "../errors.ts";
import { EMBEDDED } from "../flags/model.ts";
import { booleanFlag } from "../flags/values.ts";
import { type Io, widthOf } from "../io.ts";
import { createProgress } from "../text/progress.ts";
import { formatBytes, plural } from "../text/units.ts";
import { wrap } from "../text/wrap.ts";

interface PullFlags {
  readonly revision?: string;
  readonly cacheDir?: string;
  readonly tokenStdin?: boolean;
  readonly verify?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
}

const NOTES = `
For gated and private models the token is taken from HF_TOKEN, from what 'hf auth login' keeps, or from stdin; never from the command line, which other users can see.
The cache is the one of Hugging Face's own tools. An interrupted download goes on where it stopped.`;

export function addPull(program: Command, io: Io): void {
  program
    .command("pull")
    .description("Download a model of the hub, so that it can be used without a network.")
    .argument("<owner/name>", "the model")
    .option("--revision <name>", "branch, tag or commit (default: main)")
    .option("--cache-dir <dir>", "the folder of the cache (default: as HF_HUB_CACHE or HF_HOME say)")
    .addOption(booleanFlag("--token-stdin", "read the token from the first line of stdin"))
    .addOption(booleanFlag("--verify", "hash what is there already, and fetch again what is damaged"))
    .addOption(booleanFlag("--force", "download a model that Fusewire cannot run as well"))
    .addOption(booleanFlag("--json", "print one JSON object: location, files"))
    .addHelpText("after", () => wrap(NOTES, widthOf(io.stdout)))
    .action((name: string, flags: PullFlags) => pull(name, flags, io));
}

async function pull(name: string, flags: PullFlags, io: Io): Promise<void> {
  if (EMBEDDED.some((known) => known === name))
    throw new FusewireError(`'${name}' comes with Fusewire; use it as it is: fusewire chat ${name}`);
  const { revision, cacheDir } = flags;
  const token = flags.tokenStdin ? await readToken(io) : undefined;
  const signal = io.interrupts();
  const progress = createProgress(io.stderr);
  const files = new Map<string, HubProgress>();
  try {
    const model = await openHubModel(name, {
      ...(revision !== undefined && { revision }),
      ...(cacheDir !== undefined && { cache_dir: cacheDir }),
      ...(token !== undefined && { token }),
      signal,
      progress_callback: (event) => {
        progress.report(event);
        // What was downloaded a moment ago is found in the cache when it is opened again.
        if (event.status === "done" || !files.has(event.file)) files.set(event.file, event);
      },
    });
    if (!flags.force) await checkSupport(model);
    await model.download();
    if (flags.verify) await model.repair("all");
    progress.end();
    print(name, model.directory, [...files.values()], flags, io);
  } catch (error) {
    progress.end();
    if (!signal.aborted) throw error;
    io.stderr.write(`${wrap("interrupted; the same command goes on from here", widthOf(io.stderr))}\n`);
    throw new Interrupted();
  }
}

/** Finds out from a few kilobytes whether the rest is worth its time. */
async function checkSupport(model: Awaited<ReturnType<typeof openHubModel>>): Promise<void> {
  const config = await readConfig(model);
  try {
    createModel(config);
  } catch (error) {
    if (!(error instanceof FusewireError)) throw error;
    throw new FusewireError(
      `${model.location} cannot be run: ${error.message}; --force downloads it all the same`,
    );
  }
}

/** A token from a pipe. */
async function readToken(io: Io): Promise<string> {
  const lines = io.lines();
  try {
    if (lines.interactive)
      throw new FusewireError("--token-stdin reads from a pipe: fusewire pull NAME --token-stdin < FILE");
    const line = await lines.next("");
    if (line.kind === "line" && line.text.trim() !== "") return line.text.trim();
    throw new FusewireError("--token-stdin found no token in the first line of stdin");
  } finally {
    lines.close();
  }
}

function print(
  name: string,
  location: string,
  events: readonly HubProgress[],
  { json }: PullFlags,
  io: Io,
): void {
  const files = events
    .map(({ file, total, status }) => ({ file, bytes: total, downloaded: status === "done" }))
    .sort((a, b) => (a.file < b.file ? -1 : 1));
  if (json) return void io.stdout.write(`${JSON.stringify({ location, files })}\n`);
  const sum = (list: readonly { bytes: number }[]) =>
    formatBytes(list.reduce((all, { bytes }) => all + bytes, 0));
  const fresh = files.filter(({ downloaded }) => downloaded);
  io.stderr.write(
    `${wrap(
      `${name}: ${plural(files.length, "file")}, ${sum(files)}; ${fresh.length === 0 ? "all were there" : `${sum(fresh)} downloaded`}`,
      widthOf(io.stderr),
    )}\n`,
  );
  io.stdout.write(`${location}\n`);
}
