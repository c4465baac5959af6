import type { GenerationOptions, OptionKind } from "@fusewire/generate";
import { FusewireError } from "@fusewire/ir";
import { type Command, Option } from "commander";
import { flagOf } from "./naming.ts";
import { booleanFlag } from "./values.ts";

/** The part of generate's OPTIONS that flags are made from. */
export type OptionTable = Readonly<
  Record<
    string,
    {
      readonly kind: OptionKind;
      readonly sampling?: boolean;
      readonly allowed: string;
      readonly accepts: (value: unknown) => boolean;
    }
  >
>;

/** Things that only a program can hand over. */
export const NOT_AS_TEXT: readonly OptionKind[] = [
  "signal",
  "model",
  "cache",
  "config",
  "tokenizer",
  "functions",
];

/** Adds a flag for each option that text can express; the result reads their values after parsing. */
export function addGenerationFlags(command: Command, table: OptionTable): () => GenerationOptions {
  const flags = new Map<string, Option>();
  for (const [name, spec] of Object.entries(table)) {
    if (NOT_AS_TEXT.includes(spec.kind)) continue;
    const flag = flagOf(name);
    const description = `${spec.allowed}${spec.sampling ? "; with --do-sample" : ""}`;
    const option =
      spec.kind === "boolean"
        ? booleanFlag(flag, description)
        : // In a box, for commander turns null into "".
          new Option(`${flag} <value>`, description).argParser((text: string) => ({
            value: readValue(flag, name, spec, text),
          }));
    // Commander reads --no-repeat-ngram-size as the opposite of --repeat-ngram-size.
    option.negate = false;
    flags.set(name, option);
    command.addOption(option);
  }
  return () => {
    const given = command.opts<Record<string, boolean | { readonly value: unknown } | undefined>>();
    const options: Record<string, unknown> = {};
    for (const [name, option] of flags) {
      const found = given[option.attributeName()];
      if (found !== undefined) options[name] = typeof found === "boolean" ? found : found.value;
    }
    // Each value was accepted by its own row of the table.
    return coldIsGreedy(options);
  };
}

/** The value that a text stands for; `shown` is what errors call the option. */
export function readValue(
  shown: string,
  name: string,
  { allowed, accepts }: Pick<OptionTable[string], "allowed" | "accepts">,
  text: string,
): unknown {
  // null stands for "none" where generate() allows it, and generate() says where it does not.
  const value = [jsonOf(text), numberOf(text), text].find(
    (one) => one === null || (one !== undefined && (accepts(one) || (name === "temperature" && one === 0))),
  );
  if (value !== undefined) return value;
  throw new FusewireError(`${shown} must be ${allowed}, not '${text}'`);
}

/** `--temperature 0` asks for the likeliest tokens, as in most APIs; the library takes temperatures above 0 alone. */
export function coldIsGreedy({ temperature, ...options }: GenerationOptions): GenerationOptions {
  if (temperature === undefined) return options;
  return temperature === 0 ? { ...options, do_sample: false } : { ...options, temperature };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Numbers that JSON does not know: `.5`, `+1`. */
const numberOf = (text: string): number | undefined =>
  /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : undefined;
