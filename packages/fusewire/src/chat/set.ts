import { type GenerationOptions, OPTIONS } from "@fusewire/generate";
import { closestName, FusewireError } from "@fusewire/ir";
import { coldIsGreedy, NOT_AS_TEXT, readValue } from "../flags/generation.ts";

/** Options that a conversation depends on from its start. */
const FROM_THE_START: readonly string[] = ["max_length", "cache_implementation"];

/** The names of what /set sets. */
export const SETTABLE: readonly string[] = Object.entries(OPTIONS)
  .filter(([name, { kind }]) => !NOT_AS_TEXT.includes(kind) && !FROM_THE_START.includes(name))
  .map(([name]) => name);

/** The options with what `NAME VALUE` says; the value `default` takes a name out of them. */
export function setOption(options: GenerationOptions, argument: string): GenerationOptions {
  const [, word = "", text = ""] = /^(\S+)\s*(.*)$/s.exec(argument) ?? [];
  const name = word.replace(/^--/, "").replaceAll("-", "_");
  if (FROM_THE_START.includes(name))
    throw new FusewireError(`/set: '${name}' is fixed from the start; give it as a flag of the next chat`);
  if (!SETTABLE.includes(name)) {
    const closest = closestName(name, SETTABLE);
    const guess =
      closest === undefined ? "fusewire chat --help lists them as flags" : `did you mean ${closest}?`;
    throw new FusewireError(`/set: there is no '${word}'; ${guess}`);
  }
  if (text === "") throw new FusewireError(`/set ${name} needs a value, or 'default'`);
  const { [name as keyof GenerationOptions]: _, ...rest } = options;
  if (text === "default") return rest;
  const spec = OPTIONS[name as keyof typeof OPTIONS];
  return coldIsGreedy({ ...rest, [name]: readValue(name, name, spec, text) });
}

/** The options as a list, for people. */
export const listOptions = (options: GenerationOptions): string =>
  Object.entries(options)
    .map(([name, value]) => `${name} ${JSON.stringify(value)}`)
    .join("\n") || "nothing is set";
