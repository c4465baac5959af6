/** Where text goes: a stream of the process, or a test's list. */
export interface Output {
  write(text: string): unknown;
  /** Columns of the terminal now; undefined where there is none. */
  readonly columns?: number | undefined;
}

/** What comes in: a line, Ctrl+C, or the end of all lines. */
export type Line =
  | { readonly kind: "line"; readonly text: string }
  /** Ctrl+C while a line was awaited; `dropped` tells whether something had been typed. */
  | { readonly kind: "interrupt"; readonly dropped: boolean }
  | { readonly kind: "end" };

/** Lines that a person types or a pipe brings. */
export interface LineReader {
  /** Whether a person sits at a terminal. Only there are prompts shown. */
  readonly interactive: boolean;
  next(prompt: string): Promise<Line>;
  /** Does work that Ctrl+C, or the person leaving, stops by the signal. What is typed meanwhile waits unseen. */
  during<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  close(): void;
}

/** What the Tab key makes of a line: the ways to go on, and the part of the line that they replace. */
export type Complete = (line: string) => [readonly string[], string];

/** All of stdin as one text, for commands that take it so. */
export interface Input {
  /** Whether a person would have to type it. */
  readonly terminal: boolean;
  readonly text: () => Promise<string>;
}

/** The world of a command, given to it, so that tests run commands in their own process. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: Input;
  /** Opens stdin to be read line by line. */
  readonly lines: (complete?: Complete) => LineReader;
  /** Turns Ctrl+C from "kill" into this signal. Only a command that looks at the signal asks for it. */
  readonly interrupts: () => AbortSignal;
  /**
   * Runs this command once more, in a process that starts with these environment variables, and gives its exit code.
   * Absent in such a process, so that none starts another.
   */
  readonly restart?: ((environment: Readonly<Record<string, string>>) => Promise<number>) | undefined;
  /** Whether errors come with their stack trace. */
  readonly debug: boolean;
}

/** Columns to fill: those of the terminal, within what reads well. */
export const widthOf = ({ columns }: Output): number => Math.max(20, Math.min(columns || 80, 80));
