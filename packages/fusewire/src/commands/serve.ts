import { basename } from "node:path";
import { FusewireError } from "@fusewire/ir";
import { type Batcher, createApp, createBatcher, type ServedModel } from "@fusewire/serve";
import { type Listening, listen } from "@fusewire/serve/node";
import type { Command } from "commander";
import { AutoModelForCausalLM, AutoTokenizer, type PretrainedModel } from "../auto.ts";
import { addModelFlags, EMBEDDED, loadOptions, type ModelFlags, openModelFlag } from "../flags/model.ts";
import { booleanFlag, countFlag } from "../flags/values.ts";
import type { Io } from "../io.ts";
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
    .addOption(countFlag("--port", "port to listen on").default(8000))
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
  let served: ServedModel | undefined;
  let model: PretrainedModel | undefined;
  const app = createApp({
    ...{ served: () => served, draining: () => stop.aborted, apiKeys },
    compilations: () => model?.runtime.programs.compilations.length ?? 0,
    hosts: local || flags.allowedHost ? [...LOOPBACK, ...(flags.allowedHost ?? [])] : undefined,
    openMetrics: flags.openMetrics ?? false,
    log: (message, error) => io.stderr.write(`${message}: ${oneLine(error)}\n`),
  });
  const listening = await listen(app, { host, port });
  try {
    io.stderr.write(`listening on ${listening.url}, loading the model\n`);
    ({ model, served } = await load(flags, io));
    const { batcher, id } = served;
    io.stderr.write(
      `ready: '${id}' on ${model.device}, ${plural(batcher.load().slots, "text")} at once of up to ${batcher.max_length} tokens; OpenAI's routes are at ${listening.url}/v1\n`,
    );
    await aborted(stop);
    await drain(batcher, listening, 1000 * flags.grace, io);
  } finally {
    listening.kill();
    await listening.close();
    served?.batcher.dispose();
    await model?.dispose();
  }
}

async function load(flags: ServeFlags, io: Io): Promise<{ model: PretrainedModel; served: ServedModel }> {
  const progress = createProgress(io.stderr);
  const files = await openModelFlag(flags, progress);
  const tokenizer = await AutoTokenizer.from_pretrained(files);
  const model = await AutoModelForCausalLM.from_pretrained(files, {
    ...loadOptions(flags),
    progress_callback: progress.report,
  });
  const { slots, queue, maxLength: max_length } = flags;
  const batcher = await createBatcher(model, {
    ...(slots !== undefined && { slots }),
    ...(queue !== undefined && { queue }),
    ...(max_length !== undefined && { max_length }),
  });
  progress.end();
  model.runtime.programs.failOnRecompile(true);
  const id = flags.name ?? basename(flags.model ?? EMBEDDED[0]);
  const created = Math.floor(Date.now() / 1000);
  return { model, served: { id, created, tokenizer, batcher, defaults: model.generation_config } };
}

/** Lets answers that are under way end; new requests are refused meanwhile. */
async function drain(batcher: Batcher, listening: Listening, grace: number, io: Io): Promise<void> {
  const { running, waiting } = batcher.load();
  if (running + waiting > 0) io.stderr.write(`stopping once ${plural(running + waiting, "answer")} ended\n`);
  const late = new Promise<void>((resolve) => setTimeout(resolve, grace).unref());
  // What was made last is still to be read.
  await Promise.race([batcher.idle().then(() => listening.close()), late]);
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });

const oneLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/\s+/g, " ");
