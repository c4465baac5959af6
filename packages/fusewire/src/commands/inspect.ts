import type { CacheDTypeName, WeightDType } from "@fusewire/generate";
import { FusewireError, printModule } from "@fusewire/ir";
import { type OptionalPass, printProgram } from "@fusewire/passes";
import type { Command } from "commander";
import { openHeaders } from "../flags/headers.ts";
import { addSourceFlags, cacheDTypeFlag, dtypeFlag, type SourceFlags } from "../flags/model.ts";
import { booleanFlag, choiceFlag, countFlag } from "../flags/values.ts";
import {
  countBytes,
  countNodes,
  ENTRY_KINDS,
  type EntryKind,
  type Inspection,
  inspectModel,
} from "../inspect/inspect.ts";
import { countLaunches, formatLayers } from "../inspect/launches.ts";
import type { Io } from "../io.ts";
import { formatBytes } from "../text/units.ts";
import { noArguments } from "./arguments.ts";

interface InspectFlags extends SourceFlags {
  readonly entry?: EntryKind;
  readonly batch?: number;
  readonly length?: number;
  readonly dtype?: WeightDType;
  readonly cacheDtype?: CacheDTypeName;
  readonly disable?: readonly OptionalPass[];
  readonly after?: string;
  readonly program?: boolean;
  readonly json?: boolean;
}

export function addInspect(program: Command, io: Io): void {
  const command = noArguments(program.command("inspect")).description(
    "Show how the passes turn a model's graph into a program. Reads no weights.",
  );
  addSourceFlags(command)
    .addOption(choiceFlag("--entry", ENTRY_KINDS, "which program, decode if not given"))
    .addOption(countFlag("--batch", "rows at once (default: 1)"))
    .addOption(countFlag("--length", "tokens of the chunk (prefill, logits) or the cache (decode, begin)"))
    .addOption(dtypeFlag())
    .addOption(cacheDTypeFlag())
    .option(
      "--disable <pass,pass>",
      "passes to leave out",
      (text: string, before: readonly string[] = []) => [...before, ...text.split(",")],
    )
    .option("--after <pass>", "print the graph after this pass; 'trace' is the graph before all")
    .addOption(booleanFlag("--program", "print the planned program"))
    .addOption(booleanFlag("--json", "print one JSON object"))
    .action(async (flags: InspectFlags) => {
      const inspection = await inspectModel(await openHeaders(flags), flags);
      io.stdout.write(
        flags.json ? `${JSON.stringify(toJson(inspection, flags))}\n` : toText(inspection, flags),
      );
    });
}

/** The graph that --after asks for, as text. */
function graphText({ graphs }: Inspection, after: string): string {
  const found = graphs.find(({ pass }) => pass === after);
  if (found) return printModule(found.module);
  throw new FusewireError(
    `--after: there is no pass '${after}'; choose one of ${graphs.map(({ pass }) => pass).join(", ")}`,
  );
}

function toJson(inspection: Inspection, { after, program }: InspectFlags): object {
  return {
    entry: inspection.entry,
    passes: inspection.graphs.map(({ pass, module }) => ({ pass, nodes: countNodes(module) })),
    ...(after !== undefined && { graph: graphText(inspection, after) }),
    ...(program && { program: inspection.after }),
    launches: { before: countLaunches(inspection.before), after: countLaunches(inspection.after) },
    bytes: countBytes(inspection.after),
  };
}

function toText(inspection: Inspection, { after, program }: InspectFlags): string {
  const parts: string[] = [];
  if (after !== undefined) parts.push(graphText(inspection, after));
  if (program) parts.push(printProgram(inspection.after));
  if (parts.length === 0) parts.push(passList(inspection));
  return [...parts, summary(inspection)].join("\n");
}

function passList({ entry, graphs }: Inspection): string {
  const rows = graphs.map(({ pass, module }) => row(pass, `${countNodes(module)}`));
  return [entry, "", row("after", "nodes"), ...rows, ""].join("\n");
}

function summary({ before, after }: Inspection): string {
  const [traced, planned] = [countLaunches(before), countLaunches(after)];
  const bytes = countBytes(after);
  return [
    row("launches", "traced", "after"),
    row("  whole program", `${traced.total}`, `${planned.total}`),
    row("  per decoder layer", formatLayers(traced.layers), formatLayers(planned.layers)),
    row("bytes"),
    row("  weights", formatBytes(bytes.weights)),
    row("  states", formatBytes(bytes.states)),
    row("  scratch", formatBytes(bytes.scratch)),
    "",
  ].join("\n");
}

/** Columns that fit a terminal of 40. */
const row = (label: string, ...cells: readonly string[]): string =>
  label.padEnd(20) + cells.map((cell) => cell.padStart(10)).join("");
