import { FusewireError, optionsInstead } from "@fusewire/ir";
import { GENERATE_COMPAT, isAccepted } from "../compat.ts";
import { OPTIONS } from "./table.ts";
import type { GenerationOptions } from "./types.ts";

/** Options that null leaves to their default, or to nothing. */
const NULLABLE = ["eos_token_id", "pad_token_id", "cache_implementation"];

/** Checks names and ranges; `where` says whose options they are. */
export function checkOptions(options: GenerationOptions, where: string): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const spec = Object.hasOwn(OPTIONS, name) ? OPTIONS[name as keyof GenerationOptions] : undefined;
    if (!spec) {
      if (isAccepted(GENERATE_COMPAT, name, value)) continue;
      const reason = GENERATE_COMPAT[name]?.meaning ?? "not an option of generate()";
      const known = Object.keys(OPTIONS);
      throw new FusewireError(`${where}: '${name}': ${reason}; ${optionsInstead(name, known)}`);
    }
    const nullable = NULLABLE.includes(name) && value === null;
    if (!nullable && !spec.accepts(value))
      throw new FusewireError(`${where}: '${name}' must be ${spec.allowed}, not ${JSON.stringify(value)}`);
  }
}
