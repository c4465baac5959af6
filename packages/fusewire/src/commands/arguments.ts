import { FusewireError } from "@fusewire/ir";
import type { Command } from "commander";

/** Refuses words that belong to no flag, with the likely reason. */
export const noArguments = (command: Command): Command =>
  command.allowExcessArguments().hook("preAction", (_, { args }) => {
    if (args[0] !== undefined)
      throw new FusewireError(
        `'${args[0]}' belongs to no flag; begin flags with -- and put quotes around texts with spaces`,
      );
  });

/** The model of a command that takes it as a word, or as every other command does. */
export function chosenModel(word: string | undefined, flag: string | undefined): { model?: string } {
  if (word !== undefined && flag !== undefined && word !== flag)
    throw new FusewireError(`'${word}' and --model '${flag}' are two models; give one`);
  const model = word ?? flag;
  return model === undefined ? {} : { model };
}
