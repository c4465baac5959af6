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
