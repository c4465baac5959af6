import type { CacheDTypeName } from "@fusewire/generate";
import type { Command } from "commander";
import { openHeaders } from "../flags/headers.ts";
import { addSourceFlags, cacheDTypeFlag, type SourceFlags } from "../flags/model.ts";
import { booleanFlag, countFlag } from "../flags/values.ts";
import { type Io, widthOf } from "../io.ts";
import { findDevices } from "../memory/devices.ts";
import { memorySize } from "../memory/size.ts";
import { readFacts } from "../show/facts.ts";
import { toPage } from "../show/page.ts";
import { readWeightRows, weightLines } from "../show/weights.ts";
import { chosenModel } from "./arguments.ts";

interface ShowFlags extends SourceFlags {
  readonly cacheDtype?: CacheDTypeName;
  readonly context?: number;
  readonly maxMemory?: string;
  readonly weights?: boolean;
  readonly json?: boolean;
}

export function addShow(program: Command, io: Io): void {
  const command = program
    .command("show")
    .description("Show what a model is and whether it runs here. Reads no weights.")
    .argument("[model]", "as --model");
  addSourceFlags(command)
    .addOption(cacheDTypeFlag())
    .addOption(countFlag("--context", "tokens to count memory for (default: 2048)"))
    .option("--max-memory <size>", "what the model may take, such as 6GiB")
    .addOption(booleanFlag("--weights", "how the checkpoint keeps each weight, instead"))
    .addOption(booleanFlag("--json", "print one JSON object"))
    .action(async (word: string | undefined, flags: ShowFlags) => {
      const files = await openHeaders({ ...flags, ...chosenModel(word, flags.model) });
      if (flags.weights) {
        const rows = await readWeightRows(files);
        io.stdout.write(flags.json ? `${JSON.stringify(rows)}\n` : weightLines(rows));
        return;
      }
      const facts = await readFacts(files, {
        cacheDType: flags.cacheDtype,
        context: flags.context,
        devices: await findDevices(flags.maxMemory === undefined ? undefined : memorySize(flags.maxMemory)),
      });
      io.stdout.write(flags.json ? `${JSON.stringify(facts)}\n` : toPage(facts, widthOf(io.stdout)));
    });
}
