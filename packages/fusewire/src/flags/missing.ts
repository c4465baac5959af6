import { FusewireError } from "@fusewire/ir";
import type { Option } from "commander";

/**
 * Finds flags without their value. Commander takes whatever stands behind a flag as its value, as it must for
 * negative numbers, so `--prompt --json` would be a prompt.
 */
export function checkValues(args: readonly string[], options: readonly Option[]): void {
  const flagOf = (arg: string | undefined) => options.find(({ long }) => long === arg?.split("=")[0]);
  for (const [position, arg] of args.entries()) {
    const flag = flagOf(arg);
    if (!flag?.required || arg.includes("=")) continue;
    if (position === args.length - 1 || flagOf(args[position + 1]))
      throw new FusewireError(`${flag.long} needs a value: ${flag.flags}`);
  }
}

/**
 * Gives each flag that may stand alone its value `true`. Commander would take the word behind it for the value:
 * `--chat "Tell me a story"`.
 */
export const completeFlags = (args: readonly string[], options: readonly Option[]): string[] =>
  args.map((arg, position) => {
    const alone = options.some(({ long, optional }) => optional && long === arg);
    return alone && !/^(true|false)$/.test(args[position + 1] ?? "") ? `${arg}=true` : arg;
  });
