import { wrap } from "./wrap.ts";

// Most flags are shorter; the few that are not must not take the room from what all flags mean.
const LONGEST_TERM = 30;
// Where a terminal is so small, what a flag means begins under it.
const SMALL = 60;
const INDENT = 2;

/** One flag, or one command, and what it means. */
export function formatItem(term: string, termWidth: number, description: string, width: number): string {
  const start = " ".repeat(INDENT) + term;
  if (description === "") return start;
  const column = width < SMALL ? 3 * INDENT : 2 * INDENT + Math.min(termWidth, LONGEST_TERM);
  const indent = " ".repeat(column);
  const text = wrap(description, width - column).replaceAll("\n", `\n${indent}`);
  return start.length + INDENT > column ? `${start}\n${indent}${text}` : start.padEnd(column) + text;
}
