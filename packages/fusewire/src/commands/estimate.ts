import { type CacheDTypeName, readMemorySource, type WeightDTypeName } from "@fusewire/generate";
import { FusewireError, sizeOf } from "@fusewire/ir";
import type { Command } from "commander";
import { openHeaders } from "../flags/headers.ts";
import { addSourceFlags, dtypeFlag, nameOf, type SourceFlags } from "../flags/model.ts";
import { booleanFlag, choiceFlag, countFlag } from "../flags/values.ts";
import { type Io, widthOf } from "../io.ts";
import { findDevices } from "../memory/devices.ts";
import { memoryTable } from "../memory/page.ts";
import { memorySize } from "../memory/size.ts";
import { COMPARED, type MemoryRow, memoryRows } from "../memory/table.ts";
import { wrap } from "../text/wrap.ts";
import { chosenModel } from "./arguments.ts";

interface EstimateFlags extends SourceFlags {
  readonly dtype?: WeightDTypeName;
  readonly quantization?: WeightDTypeName;
  readonly cache?: CacheDTypeName;
  readonly context?: number;
  readonly batch?: number;
  readonly maxMemory?: string;
  readonly train?: string;
  readonly json?: boolean;
}

/** What is counted and printed. */
interface Estimate {
  readonly parameters: number;
  /** What "the model" of many tables is: without the matrix that makes scores. */
  readonly parameters_without_lm_head: number;
  /** Bytes of weights, gradients and both moments of AdamW in float32. */
  readonly training?: number;
  readonly from: "config.json" | "headers of the weights";
  readonly rows: readonly MemoryRow[];
}

/** AdamW keeps the weights, their gradients and two moments, 4 bytes each (Kingma and Ba, 2015). */
const ADAMW_BYTES = 16;
const CONTEXT = 2048;

export function addEstimate(program: Command, io: Io): void {
  const command = program
    .command("estimate")
    .description("Tell the memory that a model takes, before it is downloaded or loaded.")
    .argument("[model]", "as --model; a folder may hold config.json alone");
  addSourceFlags(command)
    .addOption(dtypeFlag())
    .addOption(choiceFlag("--quantization", ["q8", "q4"], "weights in fewer bits, in place of --dtype"))
    .addOption(countFlag("--context", `tokens a row, prompt and answer (default: ${CONTEXT})`))
    .addOption(countFlag("--batch", "rows at once (default: 1)"))
    .addOption(choiceFlag("--cache", ["float32", "float16", "int8"], "how keys and values are kept"))
    .option("--max-memory <size>", "what may be taken, such as 6GiB")
    .addOption(choiceFlag("--train", ["adamw"], "also what training in float32 takes, without activations"))
    .addOption(booleanFlag("--json", "print one JSON object"))
    .action(async (word: string | undefined, flags: EstimateFlags) => {
      const chosen = { ...flags, ...chosenModel(word, flags.model) };
      const estimate = await readEstimate(chosen);
      io.stdout.write(
        flags.json ? `${JSON.stringify(estimate)}\n` : toText(estimate, chosen, widthOf(io.stdout)),
      );
    });
}

async function readEstimate(flags: EstimateFlags): Promise<Estimate> {
  const { dtype, quantization, cache, batch, maxMemory, train } = flags;
  if (dtype !== undefined && quantization !== undefined)
    throw new FusewireError("--dtype and --quantization exclude each other; give one of them");
  const kept = quantization ?? dtype;
  const source = await readMemorySource(await openHeaders(flags), { cache_dtype: cache });
  const context = flags.context ?? Math.min(CONTEXT, source.model.maxPositions);
  const devices = await findDevices(maxMemory === undefined ? undefined : memorySize(maxMemory));
  const rows = memoryRows(source, kept === undefined ? COMPARED : [kept], { batch, context }, devices);
  const sizes = [...source.shapes].map(([name, { shape }]) => ({ name, size: sizeOf(shape) }));
  const parameters = sizes.reduce((sum, { size }) => sum + size, 0);
  const head = sizes.find(({ name }) => name === "lm_head.weight")?.size ?? 0;
  return {
    parameters,
    parameters_without_lm_head: parameters - head,
    ...(train !== undefined && { training: ADAMW_BYTES * parameters }),
    from: source.fromConfig ? "config.json" : "headers of the weights",
    rows,
  };
}

function toText(estimate: Estimate, { model }: EstimateFlags, width: number): string {
  const { parameters, parameters_without_lm_head: rest, training, from, rows } = estimate;
  const count = (value: number) => value.toLocaleString("en-US");
  const [{ rows: batch = 1, capacity = 0 } = {}] = rows;
  const size = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB (${(bytes / 1e9).toFixed(2)} GB)`;
  const heading = [
    `${nameOf(model)}, from ${from}`,
    `${count(parameters)} parameters${rest === parameters ? "" : `, ${count(rest)} without lm_head`}`,
    `a cache of ${batch} x ${count(capacity)} tokens`,
  ];
  const notes = [
    ...(training === undefined ? [] : [`training with AdamW: ${size(training)} and activations`]),
    "The total has the values inside a step as well.",
  ];
  const wrapped = (lines: readonly string[]) => lines.map((line) => wrap(line, width, "  "));
  return `${[...wrapped(heading), "", ...memoryTable(rows, width), "", ...wrapped(notes)].join("\n")}\n`;
}
