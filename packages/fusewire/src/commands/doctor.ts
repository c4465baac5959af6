import { FusewireError } from "@fusewire/ir";
import type { Command } from "commander";
import { examine, MACHINE } from "../doctor/examine.ts";
import { toPage } from "../doctor/page.ts";
import { booleanFlag, choiceFlag } from "../flags/values.ts";
import { type Io, widthOf } from "../io.ts";
import { noArguments } from "./arguments.ts";

interface DoctorFlags {
  readonly json?: boolean;
}

export function addDoctor(program: Command, io: Io, sources = MACHINE): void {
  noArguments(program.command("doctor"))
    .description(
      "Show what this machine offers, what auto takes, and test every kernel against the interpreter.",
    )
    .addOption(choiceFlag("--device", ["webgpu"], "bring a software adapter where there is no GPU"))
    .addOption(booleanFlag("--json", "print one JSON object"))
    .action(async ({ json }: DoctorFlags) => {
      const facts = await examine(sources);
      io.stdout.write(json ? `${JSON.stringify(facts)}\n` : toPage(facts, widthOf(io.stdout)));
      if (!facts.ok) throw new FusewireError("a self-test failed; update the driver, or use another device");
    });
}
