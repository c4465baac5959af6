import { text } from "node:stream/consumers";
import type { Io, Output } from "../io.ts";
import { createLineReader } from "./line_reader.ts";
import { restarter } from "./restart.ts";

/** Milliseconds within which signals come from one Ctrl+C: a launcher such as tsx passes on what we got already. */
const ONE_CTRL_C = 500;

/** Signals that ask a process to end, and the exit codes by which shells tell them. */
const ENDS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type End = keyof typeof ENDS;

/**
 * Runs a command in this process and sets the exit code it returns. Ctrl+C and SIGTERM ask the command to stop, and a
 * second one kills it. When the reader of stdout goes away (`| head`) the command stops without a word; when stdout
 * takes no more for another reason, such as a full disk, that is the error.
 */
export async function runInProcess(command: (io: Io) => Promise<number>): Promise<void> {
  const controller = new AbortController();
  /** Why nothing more can be written. */
  let broken: NodeJS.ErrnoException | undefined;
  let ended: End | undefined;
  const output = (stream: NodeJS.WriteStream): Output => {
    stream.on("error", (error) => {
      broken ??= error;
      controller.abort();
    });
    return {
      write: (text) => broken !== undefined || stream.write(text),
      get columns() {
        return stream.columns;
      },
    };
  };
  const interrupts = (): AbortSignal => {
    let first: number | undefined;
    for (const signal of Object.keys(ENDS) as End[])
      process.on(signal, () => {
        first ??= performance.now();
        ended ??= signal;
        controller.abort();
        if (performance.now() - first > ONE_CTRL_C) process.exit(ENDS[signal]);
      });
    return controller.signal;
  };
  const code = await command({
    stdout: output(process.stdout),
    stderr: output(process.stderr),
    stdin: { terminal: process.stdin.isTTY === true, text: () => text(process.stdin) },
    lines: (complete) =>
      createLineReader({
        input: process.stdin,
        output: process.stdout,
        terminal: process.stdin.isTTY === true && process.stdout.isTTY === true,
        interrupts,
        ...(complete && { complete }),
      }),
    interrupts,
    restart: restarter(),
    debug: process.env.FUSEWIRE_DEBUG === "1",
  });
  if (broken && broken.code !== "EPIPE") {
    process.stderr.write(`error: stdout takes no more: ${broken.message}\n`);
    process.exitCode = 1;
  }
  // Not process.exit: it would cut off what a pipe has not taken yet.
  else process.exitCode = broken ? 0 : ended && code === ENDS.SIGINT ? ENDS[ended] : code;
}
