import type { Io, Output } from "../io.ts";
import { createLineReader } from "./line_reader.ts";
import { restarter } from "./restart.ts";

/** Milliseconds within which signals come from one Ctrl+C: a launcher such as tsx passes on what we got already. */
const ONE_CTRL_C = 500;

/**
 * Runs a command in this process and sets the exit code it returns. Ctrl+C asks the command to stop, and a second
 * one kills it. When the reader of stdout goes away (`| head`) the command stops without a word.
 */
export async function runInProcess(command: (io: Io) => Promise<number>): Promise<void> {
  const controller = new AbortController();
  let closed = false;
  const stop = (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    closed = true;
    controller.abort();
  };
  const output = (stream: NodeJS.WriteStream): Output => {
    stream.on("error", stop);
    return {
      write: (text) => closed || stream.write(text),
      get columns() {
        return stream.columns;
      },
    };
  };
  const interrupts = (): AbortSignal => {
    let first: number | undefined;
    process.on("SIGINT", () => {
      first ??= performance.now();
      controller.abort();
      if (performance.now() - first > ONE_CTRL_C) process.exit(130);
    });
    return controller.signal;
  };
  const code = await command({
    stdout: output(process.stdout),
    stderr: output(process.stderr),
    lines: () =>
      createLineReader({
        input: process.stdin,
        output: process.stdout,
        terminal: process.stdin.isTTY === true && process.stdout.isTTY === true,
        interrupts,
      }),
    interrupts,
    restart: restarter(),
    debug: process.env.FUSEWIRE_DEBUG === "1",
  });
  // Not process.exit: it would cut off what a pipe has not taken yet.
  process.exitCode = closed ? 0 : code;
}
