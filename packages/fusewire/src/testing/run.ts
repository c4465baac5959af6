import { fileURLToPath } from "node:url";
import { main } from "../cli.ts";
import type { Io } from "../io.ts";

export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface TestIo extends Io {
  readonly read: () => { readonly stdout: string; readonly stderr: string };
}

/** An Io that remembers what is written; `onText` sees each piece of stdout. */
export function testIo(
  settings: {
    readonly columns?: number;
    readonly signal?: AbortSignal;
    readonly debug?: boolean;
    readonly onText?: (text: string) => void;
  } = {},
): TestIo {
  const { columns, signal = new AbortController().signal, debug = false, onText } = settings;
  const written = { stdout: "", stderr: "" };
  return {
    stdout: {
      columns,
      write(text) {
        written.stdout += text;
        onText?.(text);
      },
    },
    stderr: {
      columns,
      write(text) {
        written.stderr += text;
      },
    },
    interrupts: () => signal,
    debug,
    read: () => written,
  };
}

/** Runs the command in this process. */
export async function fusewire(...argv: readonly string[]): Promise<Run> {
  const io = testIo();
  const code = await main(argv, io);
  return { code, ...io.read() };
}

/** A small model of test/goldens/models. */
export const goldenModel = (name: string): string =>
  fileURLToPath(new URL(`../../../../test/goldens/models/${name}`, import.meta.url));
