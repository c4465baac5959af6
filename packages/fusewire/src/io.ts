/** Where text goes: a stream of the process, or a test's list. */
export interface Output {
  write(text: string): unknown;
  /** Columns of the terminal; undefined where there is none. */
  readonly columns?: number | undefined;
}

/** The world of a command, given to it, so that tests run commands in their own process. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Turns Ctrl+C from "kill" into this signal. Only a command that looks at the signal asks for it. */
  readonly interrupts: () => AbortSignal;
  /** Whether errors come with their stack trace. */
  readonly debug: boolean;
}

/** Columns to fill: those of the terminal, within what reads well. */
export const widthOf = ({ columns }: Output): number => Math.max(20, Math.min(columns || 80, 80));
