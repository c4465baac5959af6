import { fileURLToPath } from "node:url";
import { main } from "../cli.ts";
import type { Io, Line, LineReader } from "../io.ts";

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
    readonly lines?: LineReader;
    /** What stdin brings; a terminal unless given. */
    readonly stdin?: string;
  } = {},
): TestIo {
  const {
    columns,
    signal = new AbortController().signal,
    debug = false,
    onText,
    lines = script([]),
    stdin,
  } = settings;
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
    stdin: { terminal: stdin === undefined, text: async () => stdin ?? "" },
    lines: () => lines,
    interrupts: () => signal,
    debug,
    read: () => written,
  };
}

/** Ctrl+C in a script. */
export const CTRL_C = Symbol("Ctrl+C");

export interface Script extends LineReader {
  /** What was shown before each line. */
  readonly prompts: string[];
  /** Ctrl+C during an answer. */
  interrupt(): void;
}

/** Lines that a person types, or a pipe brings, then the end. */
export function script(
  steps: readonly (string | typeof CTRL_C)[],
  settings: { readonly interactive?: boolean } = {},
): Script {
  const left: Line[] = steps.map((step) =>
    step === CTRL_C ? { kind: "interrupt", dropped: false } : { kind: "line", text: String(step) },
  );
  const prompts: string[] = [];
  let controller = new AbortController();
  return {
    interactive: settings.interactive ?? false,
    prompts,
    async next(prompt) {
      prompts.push(prompt);
      return left.shift() ?? { kind: "end" };
    },
    during(work) {
      controller = new AbortController();
      return work(controller.signal);
    },
    interrupt: () => controller.abort(),
    close: () => undefined,
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
