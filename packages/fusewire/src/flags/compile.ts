import { type CausalLM, type CompileOptions, compile } from "@fusewire/generate";
import { FusewireError } from "@fusewire/ir";
import type { Command } from "commander";
import { choiceFlag, countFlag } from "./values.ts";

/** How `generate` is compiled; as commander names the flags. */
export interface CompileFlags {
  readonly compile?: NonNullable<CompileOptions["mode"]>;
  readonly stepsPerSubmit?: number;
}

export function addCompileFlags(command: Command): Command {
  return command
    .addOption(
      choiceFlag(
        "--compile",
        ["default", "reduce-overhead", "max-autotune"],
        "decode several steps at once on the device, with max-autotune by the fastest of its kernels",
      ),
    )
    .addOption(countFlag("--steps-per-submit", "how many steps; with --compile, 16 unless given"));
}

/** Compiles the model's generate() where the flags ask for it. */
export function compileModel(model: CausalLM, { compile: mode, stepsPerSubmit }: CompileFlags): void {
  if (mode === undefined && stepsPerSubmit !== undefined)
    throw new FusewireError("--steps-per-submit needs --compile, such as --compile reduce-overhead");
  if (mode === undefined) return;
  const steps = stepsPerSubmit === undefined ? {} : { steps_per_submit: stepsPerSubmit };
  model.generate = compile(model.generate, { mode, ...steps });
}
