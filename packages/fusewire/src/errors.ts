import { FusewireError } from "@fusewire/ir";
import type { Io } from "./io.ts";

/** Thrown by a command that Ctrl+C stopped, after it has said what there is to say. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/** Thrown by a command that another process has run to its end. */
export class Restarted extends Error {
  override readonly name = "Restarted";
  readonly code: number;

  constructor(code: number) {
    super(`another process ended with ${code}`);
    this.code = code;
  }
}

/** Runs a command and turns what it throws into one line on stderr and an exit code. */
export async function reporting(io: Io, command: () => Promise<void>): Promise<number> {
  try {
    await command();
    return 0;
  } catch (error) {
    if (error instanceof Interrupted) return 130;
    if (error instanceof Restarted) return error.code;
    io.stderr.write(`error: ${describe(error, io.debug)}\n`);
    return 1;
  }
}

function describe(error: unknown, debug: boolean): string {
  const message = oneLine(error instanceof Error ? error.message : String(error));
  const line =
    error instanceof FusewireError
      ? message
      : `a defect in Fusewire: ${message}${debug ? "" : "; run again with FUSEWIRE_DEBUG=1 for the trace, and report it"}`;
  return debug && error instanceof Error ? `${line}\n${error.stack}` : line;
}

const oneLine = (text: string): string => text.trim().replace(/\s*\n\s*/g, " ");
