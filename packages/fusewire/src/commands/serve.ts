import { basename } from "node:path";
import { FusewireError } from "@fusewire/ir";
import { type Batcher, createApp, type ServedModel } from "@fusewire/serve";
import { type Listening, listen } from "@fusewire/serve/node";
import { type Command, Option } from "commander";
import { AutoTokenizer } from "../auto.ts";
import { addModelFlags, EMBEDDED, type ModelFlags, openModelFlag } from "../flags/model.ts";
import { booleanFlag, countFlag } from "../flags/values.ts";
import type { Io } from "../io.ts";
import { startServing } from "../serve/process.ts";
import { createProgress } from "../text/progress.ts";
import { plural } from "../text/units.ts";
import { chosenModel } from "./arguments.ts";

interface ServeFlags extends ModelFlags {
  readonly host: string;
  readonly port: number;
  readonly name?: string;
  readonly apiKey?: readonly string[];
  readonly allowedHost?: readonly string[];
  readonly openMetrics?: boolean;
  readonly slots?: number;
  readonly queue?: number;
  readonly maxLength?: number;
  readonly grace: number;
}

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]", "::1"];

export function addServe(program: Command, io: Io): void {
  const command = program
    .command("serve")
    .description("Serve a model by HTTP, with the routes of OpenAI and of text-generation-inference.")
    .argument("[model]", "as --model");
  addModelFlags(command)
    .option("--host <name>", "address to listen on", "127.0.0.1")
    .addOption(portFlag())
    .option("--name <name>", "the model's name for clients; the last part of the model's own unless given")
    .option("--api-key <key...>", "keys, of which a request must bring one (or FUSEWIRE_API_KEY)")
    .option("--allowed-host <name...>", "names under which clients and pages reach this server")
    .addOption(booleanFlag("--open-metrics", "let /metrics and /v1/models be read without a key"))
    .addOption(countFlag("--slots", "texts that run at once; 8 unless given"))
    .addOption(countFlag("--queue", "texts that may wait beside them; as many as slots unless given"))
    .addOption(countFlag("--max-length", "tokens of a text, prompt and answer together; 2048 unless given"))
    .addOption(
      countFlag("--grace", "seconds that answers may take to end once the server is stopped").default(30),
    )
    .action(async (word: string | undefined, flags: ServeFlags) => {
      await serve({ ...flags, ...chosenModel(word, flags.model) }, io);
    });
}

const portFlag = (): Option =>
  new Option("--port <n>", "port to listen on; 0 for a free one").default(8000).argParser((text: string) => {
    if (/^\d+$/.test(text) && Number(text) < 2 ** 16) return Number(text);
    throw new FusewireError(`--port must be from 0 to 65535, not '${text}'`);
  });

async function serve(flags: ServeFlags, io: Io): Promise<void> {
  const { host, port } = flags;
  const environment = process.env.FUSEWIRE_API_KEY;
  const apiKeys = flags.apiKey ?? (environment ? [environment] : undefined);
  const local = LOOPBACK.includes(host);
  if (!local && !apiKeys)
    throw new FusewireError(
      `--host ${host} lets others in; give them a key with --api-key, or listen on 127.0.0.1 behind a proxy that checks them`,
    );
  const stop = io.interrupts();
  const say = (line: string) => io.stderr.write(`${line}\n`);
  let served: ServedModel | undefined;
  const app = createApp({
    ...{ served: () => served, draining: () => stop.aborted, apiKeys },
    hosts: local || flags.allowedHost ? [...LOOPBACK, ...(flags.allowedHost ?? [])] : undefined,
    openMetrics: flags.openMetrics ?? false,
    log: (message, error) => say(`${message}: ${oneLine(error)}`),
  });
  const listening = await listen(app, { host, port });
  try {
    say(`listening on ${listening.url}, loading the model`);
    for (;;) {
      const opened = await load(flags, io);
      served = opened.served;
      const { batcher, id } = served;
      say(
        `ready: '${id}' on ${opened.device}, ${plural(batcher.load().slots, "text")} at once of up to ${batcher.max_length} tokens; OpenAI's routes are at ${listening.url}/v1`,
      );
      const lost = await Promise.race([opened.gone, aborted(stop)]);
      if (!lost) break;
      // Its texts have failed by now; those that come are told to wait while it is loaded again.
      served = undefined;
      say(`${oneLine(lost)}; loading the model again`);
    }
    await drain(served.batcher, listening, 1000 * flags.grace, say);
  } finally {
    listening.kill();
    await listening.close();
    await served?.batcher.dispose();
  }
}

/** A model that is served, the device it took, and why its process ended, if it does. */
interface Opened {
  readonly served: ServedModel;
  readonly device: string;
  readonly gone: Promise<Error>;
}

async function load(flags: ServeFlags, io: Io): Promise<Opened> {
  const { slots, queue, maxLength: max_length } = flags;
  const progress = createProgress(io.stderr);
  const tokenizer = await AutoTokenizer.from_pretrained(await openModelFlag(flags, progress));
  const batch = {
    ...(slots !== undefined && { slots }),
    ...(queue !== undefined && { queue }),
    ...(max_length !== undefined && { max_length }),
  };
  const { batcher, device, defaults, gone } = await startServing(flags, batch, progress);
  progress.end();
  const id = flags.name ?? basename(flags.model ?? EMBEDDED[0]);
  const created = Math.floor(Date.now() / 1000);
  return { served: { id, created, tokenizer, batcher, defaults }, device, gone };
}

/** Lets answers that are under way end; new requests are refused meanwhile. */
async function drain(
  batcher: Batcher,
  listening: Listening,
  grace: number,
  say: (line: string) => void,
): Promise<void> {
  const { running, waiting } = batcher.load();
  if (running + waiting > 0) say(`stopping once ${plural(running + waiting, "answer")} ended`);
  const late = new Promise<void>((resolve) => setTimeout(resolve, grace).unref());
  // What was made last is still to be read.
  await Promise.race([batcher.idle().then(() => listening.close()), late]);
}

const aborted = (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });

const oneLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/\s+/g, " ");
