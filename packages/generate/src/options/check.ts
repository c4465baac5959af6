import { FusewireError, optionsInstead } from "@fusewire/ir";
import { GENERATION_SETTINGS } from "@fusewire/models";
import { GENERATE_COMPAT, isAccepted } from "../compat.ts";
import { OPTIONS, type OptionKind } from "./table.ts";
import type { GenerationOptions } from "./types.ts";

/** Checks names and ranges; `where` says whose options they are. */
export function checkOptions(options: GenerationOptions, where: string): void {
  for (const [name, value] of Object.entries(options)) {
    // Hugging Face's way of saying that there is none.
    if (value === undefined || (value === null && Object.hasOwn(OPTIONS, name))) continue;
    const spec = Object.hasOwn(OPTIONS, name) ? OPTIONS[name as keyof GenerationOptions] : undefined;
    if (!spec) {
      if (isAccepted(GENERATE_COMPAT, name, value)) continue;
      const reason = GENERATE_COMPAT[name]?.meaning ?? "not an option of generate()";
      const known = Object.keys(OPTIONS);
      throw new FusewireError(`${where}: '${name}': ${reason}; ${optionsInstead(name, known)}`);
    }
    if (!spec.accepts(value))
      throw new FusewireError(`${where}: '${name}' must be ${spec.allowed}, not ${JSON.stringify(value)}`);
  }
}

/** What only a call can be given: generation configs hold plain data. */
const OF_CALLS: readonly OptionKind[] = ["cache", "config", "functions", "model", "signal", "tokenizer"];

/**
 * Checks settings of a generation config when they are used, for programs may have changed them. Those that
 * `given`, all settings of the call, leave without effect do not count, as in Hugging Face: files say `top_k: -1` of
 * sampling that they do not use, and `max_length: -1` beside max_new_tokens.
 */
export function checkConfig(config: object, given: GenerationOptions, where: string): void {
  for (const [name, value] of Object.entries(config)) {
    if (value === undefined || value === null) continue;
    const refuse = (reason: string) => {
      throw new FusewireError(`${where}: '${name}' ${reason}`);
    };
    const set = JSON.stringify(value);
    if (Object.hasOwn(GENERATE_COMPAT, name)) {
      if (!isAccepted(GENERATE_COMPAT, name, value))
        refuse(`is ${set}: ${GENERATE_COMPAT[name]!.meaning}; delete it to go without`);
      continue;
    }
    const spec = Object.hasOwn(OPTIONS, name) ? OPTIONS[name as keyof GenerationOptions] : undefined;
    if (spec && OF_CALLS.includes(spec.kind))
      refuse("is an argument of generate() itself, not of a generation config; move it there");
    if (spec?.sampling && !given.do_sample) continue;
    if (name === "max_length" && typeof given.max_new_tokens === "number") continue;
    const kept = Object.hasOwn(GENERATION_SETTINGS, name) ? GENERATION_SETTINGS[name] : undefined;
    if (!spec && !kept) refuse(`is not a setting; ${optionsInstead(name, SETTINGS)}`);
    if (spec && !spec.accepts(value)) refuse(`must be ${spec.allowed}, not ${set}`);
    if (!spec && kept && !kept.accepts(value)) refuse(`must be ${kept.expected}, not ${set}`);
  }
}

const SETTINGS: readonly string[] = [
  ...new Set([
    ...Object.entries(OPTIONS)
      .filter(([, { kind }]) => !OF_CALLS.includes(kind))
      .map(([name]) => name),
    ...Object.keys(GENERATION_SETTINGS),
  ]),
];
