import { readFile } from "node:fs/promises";
import { type GenerationOptions, OPTIONS } from "@fusewire/generate";
import { FusewireError } from "@fusewire/ir";
import { loadTokenizer, type Tokenizer } from "@fusewire/models";
import type { Command } from "commander";
import { AutoModelForCausalLM, type PretrainedModel } from "../auto.ts";
import { checkSystem } from "../chat/commands.ts";
import { complete } from "../chat/complete.ts";
import { withSystem } from "../chat/conversation.ts";
import { loadConversation, pathOf } from "../chat/files.ts";
import { answerSettings, cachedTurns, chatCache, chatEncoder } from "../chat/model.ts";
import { runChat } from "../chat/repl.ts";
import { addGenerationFlags } from "../flags/generation.ts";
import { refuseIdle } from "../flags/idle.ts";
import { addModelFlags, loadOptions, type ModelFlags, nameOf, openModelFlag } from "../flags/model.ts";
import { type Io, widthOf } from "../io.ts";
import { createProgress } from "../text/progress.ts";
import { wrap } from "../text/wrap.ts";
import { chosenModel } from "./arguments.ts";

interface ChatFlags extends ModelFlags {
  readonly system?: string;
  readonly chatTemplate?: string;
  readonly load?: string;
}

const NOTES = `
A line is a message, or a command such as /help. A line that ends in \\ goes on in the next one; lines between two """ are one message. Ctrl+C stops the answer.
Without a terminal each line of stdin is answered on stdout, and the first error ends it.
What was said is kept in a cache, so a turn computes only what it adds; --cache-implementation says how: dynamic (it grows), static (all of the model's context from the start) or quantized.
When the model's context is full the oldest turns are left out, with a notice; the system message stays.
Answers have at most 512 tokens unless --max-new-tokens says otherwise. Tokens are chosen as the checkpoint's generation_config.json says; where it says nothing, by --do-sample --temperature 0.7 --top-p 0.9 --repetition-penalty 1.1. --temperature 0 takes the likeliest. /set NAME VALUE changes options between answers, /stats tells them.`;

export function addChat(program: Command, io: Io): void {
  const command = program
    .command("chat")
    .description("Talk with a model; it answers as it thinks.")
    .argument("[model]", "as --model");
  addModelFlags(command);
  command
    .option("--system <text>", "the system message")
    .option("--chat-template <file>", "a Jinja template in place of the model's own")
    .option("--load <file>", "go on with a conversation that /save wrote");
  const readOptions = addGenerationFlags(command, OPTIONS);
  command
    .addHelpText("after", () => wrap(NOTES, widthOf(io.stdout)))
    .action((model: string | undefined, flags: ChatFlags) =>
      chat({ ...flags, ...chosenModel(model, flags.model) }, readOptions(), io),
    );
}

const greeting = (name: string, { device, device_reason }: PretrainedModel): string =>
  `${name} on ${device}${device_reason === undefined ? "" : ` (${device_reason})`}; /help lists the commands, Ctrl+D leaves.`;

async function chat(flags: ChatFlags, given: GenerationOptions, io: Io): Promise<void> {
  const progress = createProgress(io.stderr);
  const files = await openModelFlag(flags, progress);
  const tokenizer = await loadTokenizer(files);
  const encode = chatEncoder(tokenizer, await readTemplate(flags, tokenizer));
  const loaded = flags.load === undefined ? [] : await loadConversation(pathOf(flags.load));
  if (flags.system !== undefined) checkSystem(encode, flags.system);
  const model = await AutoModelForCausalLM.from_pretrained(files, {
    ...loadOptions(flags),
    progress_callback: progress.report,
  });
  progress.end();
  const lines = io.lines(complete);
  try {
    const notes = lines.interactive ? io.stdout : io.stderr;
    if (lines.interactive) notes.write(`${wrap(greeting(nameOf(flags.model), model), widthOf(notes))}\n`);
    const settingsFor = (options: GenerationOptions) => {
      const settings = answerSettings(options, model, tokenizer);
      refuseIdle(settings.options, model);
      return settings;
    };
    const settings = settingsFor(given);
    const cache = chatCache(model, settings, given.cache_implementation ?? undefined);
    await runChat(
      {
        model: cachedTurns(model, cache),
        tokenizer,
        encode,
        settingsFor,
        lines,
        out: io.stdout,
        notes,
      },
      {
        messages: flags.system === undefined ? loaded : withSystem(loaded, flags.system),
        options: given,
        files: flags.load === undefined ? [] : [pathOf(flags.load)],
      },
    );
  } finally {
    lines.close();
    await model.dispose();
  }
}

/** The template of --chat-template; undefined where the model's own is to be taken, and there is one. */
async function readTemplate({ chatTemplate, model }: ChatFlags, tokenizer: Tokenizer) {
  if (chatTemplate !== undefined)
    return readFile(chatTemplate, "utf8").catch((cause) => {
      throw new FusewireError(`--chat-template: cannot read '${chatTemplate}'; check the name`, { cause });
    });
  if (tokenizer.chat_template !== undefined) return undefined;
  throw new FusewireError(
    `${nameOf(model)} has no chat template, so it was not trained to chat; take its instruct version, give --chat-template FILE, or let it go on with a text: fusewire generate --prompt TEXT`,
  );
}
