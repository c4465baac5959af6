import {
  type AllScores,
  type CausalLM,
  type GenerationOptions,
  type GenerationResult,
  type GenerationStats,
  type ModelInputs,
  OPTIONS,
} from "@fusewire/generate";
import { FusewireError } from "@fusewire/ir";
import { createTextStream, type Tokenizer } from "@fusewire/models";
import type { Command } from "commander";
import { AutoModelForCausalLM, type PretrainedModel } from "../auto.ts";
import { endsOfTurns } from "../chat_prompt.ts";
import { Interrupted } from "../errors.ts";
import { type AssistantFlags, addAssistantFlags, openAssistant } from "../flags/assistant.ts";
import { addCompileFlags, type CompileFlags, compileModel } from "../flags/compile.ts";
import { addGenerationFlags } from "../flags/generation.ts";
import { refuseIdle } from "../flags/idle.ts";
import { addInputFlags, type InputFlags, optionalTokenizer, readInputs } from "../flags/inputs.ts";
import { addModelFlags, loadOptions, type ModelFlags, openModelFlag } from "../flags/model.ts";
import { speakingOfFlags } from "../flags/naming.ts";
import { booleanFlag } from "../flags/values.ts";
import { readWords } from "../flags/words.ts";
import { type Io, type Output, widthOf } from "../io.ts";
import { createProgress } from "../text/progress.ts";
import { summarise } from "../text/summary.ts";
import { plural } from "../text/units.ts";
import { wrap } from "../text/wrap.ts";

interface GenerateFlags extends ModelFlags, InputFlags, AssistantFlags, CompileFlags {
  readonly ignoreEos?: boolean;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/** New tokens at most where nothing says how many: long enough for most texts to end, and room for them is cheap. */
const LONGEST = 1024;

export function addGenerate(program: Command, io: Io): void {
  const command = program
    .command("generate")
    .description("Go on with a text, printed as it is made, until the model ends it.")
    .argument("[model]", "as --model")
    .argument("[prompt...]", "as --prompt; without one, stdin");
  addModelFlags(command);
  addInputFlags(command);
  command
    .addOption(booleanFlag("--ignore-eos", "go on after end tokens"))
    .addOption(booleanFlag("--json", "print one JSON object: sequences, texts, stats"))
    .addOption(booleanFlag("--verbose", "say why the device was taken and what was compiled"));
  addAssistantFlags(command);
  addCompileFlags(command);
  const readOptions = addGenerationFlags(command, OPTIONS);
  command.action(async (_model: string | undefined, _prompt: readonly string[], flags: GenerateFlags) => {
    const { model, prompts } = await readWords(command.args, flags);
    const named = { ...(model !== undefined && { model }), ...(prompts.length > 0 && { prompt: prompts }) };
    await speakingOfFlags(() => generate({ ...flags, ...named }, readOptions(), io));
  });
}

async function generate(flags: GenerateFlags, given: GenerationOptions, io: Io): Promise<void> {
  const options = { ...given };
  if (flags.ignoreEos) {
    if (options.eos_token_id !== undefined)
      throw new FusewireError("--ignore-eos and --eos-token-id exclude each other; give one of them");
    options.eos_token_id = [];
  }
  const progress = createProgress(io.stderr);
  const files = await openModelFlag(flags, progress);
  const { inputs, tokenizer = await optionalTokenizer(files) } = await readInputs(files, flags, io.stdin);
  const model = await AutoModelForCausalLM.from_pretrained(files, {
    ...loadOptions(flags),
    progress_callback: progress.report,
  });
  progress.end();
  let assistant: CausalLM | undefined;
  try {
    compileModel(model, flags);
    assistant = await openAssistant(flags);
    if (assistant) options.assistant_model = assistant;
    if (tokenizer) options.tokenizer = tokenizer;
    if (flags.chat && tokenizer) options.eos_token_id ??= endsOfTurns(model, tokenizer);
    refuseIdle(options, model);
    const cut = limitLength(options, inputs, model);
    const printer = flags.json ? SILENT : printerFor(inputs, options, tokenizer, io.stdout);
    const result = await follow(model, inputs, options, printer, io);
    if (flags.json) io.stdout.write(`${JSON.stringify(toJson(result, tokenizer, model))}\n`);
    else
      for (const line of report(result.stats, model, flags, cut))
        io.stderr.write(`${wrap(line, widthOf(io.stderr), "  ")}\n`);
  } finally {
    await assistant?.dispose();
    await model.dispose();
  }
}

/**
 * Where neither flags nor the checkpoint say how long a text may be, lets it go on to its end. Gives the number of new
 * tokens at which it is cut then.
 */
function limitLength(
  options: GenerationOptions,
  { input_ids }: ModelInputs,
  model: PretrainedModel,
): number | undefined {
  const { max_new_tokens, max_length } = { ...model.generation_config, ...options };
  if ((max_new_tokens ?? max_length) != null) return undefined;
  const room = model.runtime.source.model.maxPositions - Math.max(...input_ids.map((row) => row.length));
  const longest = Math.max(1, Math.min(LONGEST, room));
  options.max_new_tokens = longest;
  return longest;
}

/** What the generation took, in a line; with --verbose also why it ran where it did, and what was compiled. */
const report = (
  stats: GenerationStats,
  { device, device_reason }: PretrainedModel,
  { verbose = false }: GenerateFlags,
  cut: number | undefined,
): string[] => [
  ...(cut !== undefined && stats.new_tokens === cut
    ? [`cut at ${plural(cut, "new token")}; --max-new-tokens sets the limit`]
    : []),
  summarise(stats),
  ...(stats.device_notice === undefined ? [] : [`${device}: ${stats.device_notice}`]),
  ...(verbose && device_reason !== undefined ? [`--device auto chose ${device}: ${device_reason}`] : []),
  ...(verbose ? stats.compilations.map(({ entry, reason }) => `compiled ${entry} (${reason})`) : []),
];

/** Runs the generation to its end, or to Ctrl+C, which still prints what there is. */
async function follow(
  model: CausalLM,
  inputs: ModelInputs,
  options: GenerationOptions,
  printer: Printer,
  io: Io,
): Promise<GenerationResult> {
  const signal = io.interrupts();
  const steps = model.stream(inputs, { ...options, signal });
  let made = 0;
  try {
    for (;;) {
      const { done, value } = await steps.next();
      if (done) {
        printer.end();
        return value;
      }
      made += value.tokens.filter((token) => token !== undefined).length;
      printer.push(value.tokens);
    }
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error;
    printer.end();
    io.stderr.write(`interrupted after ${plural(made, "new token")}\n`);
    throw new Interrupted();
  }
}

/** Shows tokens to people. */
interface Printer {
  push(tokens: readonly (number | undefined)[]): void;
  end(): void;
}

const SILENT: Printer = { push: () => undefined, end: () => undefined };

function printerFor(
  { input_ids }: ModelInputs,
  { num_return_sequences = 1 }: GenerationOptions,
  tokenizer: Tokenizer | undefined,
  out: Output,
): Printer {
  if (tokenizer && input_ids.length * num_return_sequences === 1) return streamPrinter(tokenizer, out);
  const textOf = (ids: readonly number[]) =>
    tokenizer?.decode(ids, { skip_special_tokens: true }) ?? ids.join(" ");
  return listPrinter(textOf, num_return_sequences, out);
}

/** One text, piece by piece. */
function streamPrinter(tokenizer: Tokenizer, out: Output): Printer {
  const text = createTextStream(tokenizer, { skip_special_tokens: true });
  let last = "";
  const write = (piece: string) => {
    if (piece === "") return;
    last = piece;
    out.write(piece);
  };
  return {
    push: (tokens) => write(text.push(tokens.filter((token) => token !== undefined))),
    end() {
      write(text.end());
      if (!last.endsWith("\n")) out.write("\n");
    },
  };
}

/**
 * The texts one after another when all have ended, each under its number: `[row]`, or `[prompt.text]` where each of
 * several prompts has several texts.
 */
function listPrinter(textOf: (ids: readonly number[]) => string, perPrompt: number, out: Output): Printer {
  const rows: number[][] = [];
  return {
    push(tokens) {
      for (const [b, token] of tokens.entries()) {
        rows[b] ??= [];
        if (token !== undefined) rows[b].push(token);
      }
    },
    end() {
      const nested = perPrompt > 1 && rows.length > perPrompt;
      const nameOf = (b: number) => (nested ? `${Math.floor(b / perPrompt)}.${b % perPrompt}` : `${b}`);
      for (const [b, ids] of rows.entries())
        out.write(`${rows.length === 1 ? "" : `[${nameOf(b)}] `}${textOf(ids).trimEnd()}\n`);
    },
  };
}

function toJson(
  result: GenerationResult,
  tokenizer: Tokenizer | undefined,
  { device_reason }: PretrainedModel,
) {
  const { sequences, new_tokens, scores, logits, logprobs, sequences_scores, beam_indices, stats } = result;
  // Scores as lists; null stands for rows that had ended.
  const lists = (all: AllScores) => all.map((rows) => rows.map((row) => (row ? Array.from(row) : null)));
  return {
    sequences,
    texts: new_tokens.map((ids) => tokenizer?.decode(ids, { skip_special_tokens: true }) ?? ""),
    ...(sequences_scores && { sequences_scores, beam_indices }),
    ...(logprobs && { logprobs }),
    ...(scores && { scores: lists(scores) }),
    ...(logits && { logits: lists(logits) }),
    stats: { ...stats, ...(device_reason !== undefined && { device_reason }) },
  };
}
