import {
  type CausalLM,
  type EntryKey,
  eosBucket,
  type GenerationResult,
  selectionFor,
  traceEntry,
} from "@fusewire/generate";
import { isFree, NodeTable, rootsOf, topological } from "@fusewire/ir";
import { embeddedModel } from "@fusewire/models/node";
import { capacityBucket } from "@fusewire/passes";
import { AutoModelForCausalLM, AutoTokenizer } from "./auto.ts";
import { Interrupted } from "./errors.ts";
import { type Io, type Output, widthOf } from "./io.ts";
import type { Device } from "./named_engine.ts";
import { streamText } from "./stream_text.ts";
import { formatBytes, formatNumber } from "./text/units.ts";
import { createWrapper, wrap } from "./text/wrap.ts";

const PROMPT = "One day, a little girl found a golden key in the garden.";
// Greedy, so that everyone reads the same story; the penalty keeps a small model from going in circles.
const OPTIONS = { repetition_penalty: 1.2 };

/** Streams a story of the model that comes with Fusewire, then says what it took. */
export async function demo(io: Io, device: Device = "auto", maxNewTokens = 160): Promise<void> {
  const directory = embeddedModel("tales");
  const tokenizer = await AutoTokenizer.from_pretrained(directory);
  const model = await AutoModelForCausalLM.from_pretrained(directory, { device });
  const width = widthOf(io.stdout);
  const print = (line: string) => io.stdout.write(`${wrap(line, width, "    ")}\n`);
  try {
    print(`Fusewire tells a story on ${model.device}.\n`);
    const signal = io.interrupts();
    const story = streamText(model, tokenizer, PROMPT, { ...OPTIONS, max_new_tokens: maxNewTokens, signal });
    const result = await tell(story, io.stdout).catch((error) => {
      throw signal.aborted && error === signal.reason ? new Interrupted() : error;
    });
    print("");
    for (const line of await report(result, model)) print(line);
  } finally {
    await model.dispose();
  }
}

/** Prints the prompt and the story as it comes. */
async function tell(story: AsyncGenerator<string, GenerationResult>, out: Output): Promise<GenerationResult> {
  const wrapper = createWrapper(widthOf(out));
  out.write(wrapper.push(PROMPT));
  try {
    for (;;) {
      const { done, value } = await story.next();
      if (done) return value;
      out.write(wrapper.push(value));
    }
  } finally {
    out.write(`${wrapper.end()}\n`);
  }
}

/** What the run took, in lines for a terminal of 40 columns or more. */
async function report({ stats, sequences }: GenerationResult, model: CausalLM): Promise<string[]> {
  const { traced, compiled } = await launchesPerToken(model, sequences[0]!.length);
  const fact = (name: string, value: string) => `${name.padEnd(22)}${value}`;
  return [
    fact("tokens per second", formatNumber(stats.tokens_per_second)),
    fact("first token after", `${formatNumber(stats.time_to_first_token_ms)} ms`),
    fact("launches per token", `${traced} as traced`),
    fact("", `${compiled} after passes`),
    fact("bytes held", formatBytes(stats.bytes)),
    fact("compilations", `${stats.compilations.length}`),
    ...stats.compilations.map(({ entry, reason }) => `  ${entry} (${reason})`),
  ];
}

/** Launches of one step on this engine, as the model is written and as the passes leave it. */
async function launchesPerToken({ runtime, generation_config }: CausalLM, length: number) {
  const { source, buckets } = runtime;
  const key: EntryKey = {
    kind: "decode",
    batch: 1,
    rows: 1,
    capacity: capacityBucket(length, source.model.maxPositions, buckets),
    selection: selectionFor(false, OPTIONS, { batch: 1, eos: [], prompts: [], width: 0, maxNew: 0 })
      .selection,
    eosCount: eosBucket([generation_config.eos_token_id ?? []].flat().length),
  };
  const { entries } = traceEntry(key, source, new NodeTable());
  const nodes = topological(entries.flatMap(rootsOf));
  return {
    traced: nodes.filter((node) => !isFree(node)).length,
    compiled: (await runtime.compile(key)).launches,
  };
}
