import { FusewireError } from "@fusewire/ir";
import { Option } from "commander";

/** A flag that takes an optional true or false. */
export const booleanFlag = (flag: string, description: string): Option =>
  new Option(`${flag} [true|false]`, description).argParser((text: string) => {
    if (text === "true" || text === "false") return text === "true";
    throw new FusewireError(`${flag} must be true or false, not '${text}'`);
  });

/** A flag for a size. */
export const countFlag = (flag: string, description: string): Option =>
  new Option(`${flag} <n>`, description).argParser((text: string) => {
    if (/^\d+$/.test(text) && Number(text) >= 1) return Number(text);
    throw new FusewireError(`${flag} must be an integer of 1 or more, not '${text}'`);
  });

/** A flag for one of a few words. */
export const choiceFlag = <const Choice extends string>(
  flag: string,
  choices: readonly Choice[],
  description: string,
): Option =>
  new Option(`${flag} <name>`, `${description}: ${choices.join(", ")}`).argParser((text: string) => {
    if (choices.some((choice) => choice === text)) return text;
    throw new FusewireError(`${flag} must be one of ${choices.join(", ")}, not '${text}'`);
  });
