import { readFileSync } from "node:fs";
import { closestName, FusewireError } from "@fusewire/ir";
import { Command, CommanderError } from "commander";
import { addChat } from "./commands/chat.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addEstimate } from "./commands/estimate.ts";
import { addGenerate } from "./commands/generate.ts";
import { addInspect } from "./commands/inspect.ts";
import { addLogits } from "./commands/logits.ts";
import { addModels } from "./commands/models.ts";
import { addPull } from "./commands/pull.ts";
import { addServe } from "./commands/serve.ts";
import { addShow } from "./commands/show.ts";
import { reporting } from "./errors.ts";
import { bringAdapter } from "./flags/adapter.ts";
import { checkValues, completeFlags } from "./flags/missing.ts";
import type { ModelFlags } from "./flags/model.ts";
import { type Io, widthOf } from "./io.ts";
import { formatItem } from "./text/help.ts";

const EXAMPLES = `
Examples:
  fusewire chat
  fusewire pull HuggingFaceTB/SmolLM2-135M-Instruct
  fusewire generate "Once upon a time"
  fusewire generate ./SmolLM2 "What is the capital of France?" --chat --json
  fusewire inspect --after fuse_attention`;

/** The command `fusewire`: runs `argv` (without node and script) and returns the exit code. */
export const main = (argv: readonly string[], io: Io): Promise<number> =>
  reporting(io, async () => {
    const program = createProgram(io);
    if (argv.length === 0) return program.outputHelp();
    const command = program.commands.find((one) => one.name() === argv[0]);
    const options = command?.options ?? [];
    checkValues(argv.slice(1), options);
    try {
      await program.parseAsync(completeFlags(argv, options), { from: "user" });
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error;
      if (error.exitCode !== 0) {
        const names = program.commands.map((one) => one.name());
        throw usageError(error, argv, names, command);
      }
    }
  });

function createProgram(io: Io): Command {
  const program = new Command("fusewire")
    .description("Compiles Hugging Face checkpoints into tensor programs and runs them.")
    .version(version())
    .exitOverride()
    .configureHelp({
      minWidthToWrap: 20,
      formatItem: (term, termWidth, description) =>
        formatItem(term, termWidth, description, widthOf(io.stdout)),
    })
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      // Commander throws what it writes here as well.
      writeErr: () => undefined,
      getOutHelpWidth: () => widthOf(io.stdout),
    });
  program.addHelpText("after", EXAMPLES);
  program.hook("preAction", (_, command) => bringAdapter(command.opts<ModelFlags>(), io));
  addChat(program, io);
  addDoctor(program, io);
  addEstimate(program, io);
  addGenerate(program, io);
  addInspect(program, io);
  addLogits(program, io);
  addModels(program, io);
  addPull(program, io);
  addServe(program, io);
  addShow(program, io);
  return program;
}

/** Commander's error in the form of ours: what is wrong and what to do, with guesses of our own. */
function usageError(
  error: CommanderError,
  argv: readonly string[],
  names: readonly string[],
  command?: Command,
): FusewireError {
  // `help` with a name that is none ends in the help of all.
  if (error.code === "commander.help")
    return new FusewireError(`unknown command '${argv[1]}'; see 'fusewire --help'`);
  const [problem = ""] = error.message.replace(/^error: /, "").split("\n");
  const named = problem.replace(/^unknown option/, "unknown flag");
  const unknown = /'([^'=]+)/.exec(problem)?.[1] ?? "";
  const closest = closestName(unknown, error.code === "commander.unknownCommand" ? names : flagsOf(command));
  const guess = closest === undefined ? "" : ` (did you mean ${closest}?)`;
  if (command) return new FusewireError(`${named}${guess}; see 'fusewire ${command.name()} --help'`);
  const order = error.code === "commander.unknownOption" ? "; a command such as 'generate' comes first" : "";
  return new FusewireError(`${named}${guess}${order}; see 'fusewire --help'`);
}

const flagsOf = (command?: Command): string[] => command?.options.flatMap(({ long }) => long ?? []) ?? [];

function version(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
