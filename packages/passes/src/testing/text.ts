/** For tests: passes seen as text in, text out. */
import { parseModule, printModule, verify } from "@fusewire/ir";
import { expectSameMeaning } from "@fusewire/ir/testing";
import type { Pass } from "../rewrite/pass.ts";

const LEAF = /(input|state) \{dtype="(\w+)", name="(\w+)", shape=\[([\d,]*)\]\}/g;

/** The text of a module of one entry from the entry's statements; inputs and states are declared as they are read. */
export function entryText(statements: string): string {
  const found = [...statements.matchAll(LEAF)].map(([, kind, dtype, name, shape]) => ({
    kind,
    line: `${kind} "${name}" : ${dtype}[${shape}]`,
  }));
  const declared = (kind: string) => [
    ...new Set(found.filter((leaf) => leaf.kind === kind).map(({ line }) => line)),
  ];
  return [...declared("state"), 'entry "main" {', ...declared("input"), statements, "}"].join("\n");
}

/**
 * The entry's statements after the pass, checked by the verifier, by a round trip through the text form, and to the bit
 * by what they compute; a pass that rounds otherwise `changes` that.
 */
export function transform(pass: Pass, statements: string, { changes = false } = {}): string {
  const module = parseModule(entryText(statements));
  verify(module);
  const result = pass.run(module);
  verify(result);
  if (!changes) for (const seed of [1, 2, 3]) expectSameMeaning(result, module, seed, 0);
  const text = printModule(result);
  if (printModule(parseModule(text)) !== text) throw new Error(`the text does not round-trip:\n${text}`);
  return strip(text);
}

/** What `transform` returns when the pass leaves the entry alone. */
export const untouched = (statements: string): string =>
  strip(printModule(parseModule(entryText(statements))));

/** One statement with others in the place of some words: a near miss, as a small edit of what a pass rewrites. */
export function edit(
  statements: string,
  ...changes: readonly (readonly [from: string, to: string])[]
): string {
  return changes.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`there is no '${from}' to edit`);
    return text.replaceAll(from, to);
  }, statements);
}

/** The statements alone: the frame is the same in every test. */
const strip = (text: string): string =>
  text
    .split("\n")
    .filter((line) => !/^(state|entry|\}|$)|^ {2}input /.test(line))
    .map((line) => line.trim())
    .join("\n");
