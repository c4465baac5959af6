import { stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { FusewireError, formatType } from "@fusewire/ir";
import { encodeSafetensors } from "@fusewire/models";
import { type Command, Option } from "commander";
import { AutoModelForCausalLM } from "../auto.ts";
import { addInputFlags, type InputFlags, readInputs } from "../flags/inputs.ts";
import { addModelFlags, loadOptions, type ModelFlags, openModelFlag } from "../flags/model.ts";
import { booleanFlag } from "../flags/values.ts";
import type { Io } from "../io.ts";
import { createProgress } from "../text/progress.ts";
import { noArguments } from "./arguments.ts";

interface LogitsFlags extends ModelFlags, InputFlags {
  readonly out?: string;
  readonly json?: boolean;
}

export function addLogits(program: Command, io: Io): void {
  const command = noArguments(program.command("logits")).description(
    "Write the scores after every token to a safetensors file: 'logits' f32[batch, length, vocabulary], zeros at pads.",
  );
  addModelFlags(command);
  addInputFlags(command);
  command
    .addOption(new Option("--out <file>", "the file to write"))
    .addOption(booleanFlag("--json", "print one JSON object: file, shape"))
    .action((flags: LogitsFlags) => logits(flags, io));
}

async function logits(flags: LogitsFlags, io: Io): Promise<void> {
  const { out } = flags;
  if (out === undefined || out === "") throw new FusewireError("logits needs --out FILE.safetensors");
  await checkTarget(out);
  const progress = createProgress(io.stderr);
  const files = await openModelFlag(flags, progress);
  const { inputs } = await readInputs(files, flags, io.stdin);
  const model = await AutoModelForCausalLM.from_pretrained(files, {
    ...loadOptions(flags),
    progress_callback: progress.report,
  });
  progress.end();
  try {
    const { logits } = await model.forward(inputs);
    await writeFile(out, encodeSafetensors(new Map([["logits", logits]]))).catch((cause) => {
      throw cannotWrite(out, cause);
    });
    const { shape } = logits.type;
    if (flags.json) io.stdout.write(`${JSON.stringify({ file: out, shape })}\n`);
    else io.stderr.write(`wrote logits ${formatType(logits.type)} to ${out}\n`);
  } finally {
    await model.dispose();
  }
}

/** Finds out before the model runs whether the file can be written. */
async function checkTarget(out: string): Promise<void> {
  if (await isDirectory(out)) throw new FusewireError(`--out '${out}' is a directory; name a file in it`);
  const folder = dirname(out);
  if (!(await isDirectory(folder)))
    throw new FusewireError(`--out '${out}': there is no directory '${folder}'; make it first`);
}

const isDirectory = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

function cannotWrite(out: string, cause: unknown): FusewireError {
  const code = cause instanceof Error && "code" in cause ? cause.code : cause;
  return new FusewireError(
    `cannot write '${out}' (${code}); check that it may be written and the disk has room`,
    {
      cause,
    },
  );
}
