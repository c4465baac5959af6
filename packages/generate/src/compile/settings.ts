import { FusewireError } from "@fusewire/ir";

/** Options of `compile`, named as those of torch.compile. */
export interface CompileOptions {
  /**
   * `default` and `reduce-overhead` replay a recorded plan; `max-autotune` also chooses the model's kernels by timing
   * them on the device, once.
   */
  readonly mode?: "default" | "reduce-overhead" | "max-autotune";
  /** What cannot be compiled is an error: scores that JavaScript has to see. */
  readonly fullgraph?: boolean;
  /** Shapes are always static, and lengths padded to buckets, so only false is accepted. */
  readonly dynamic?: boolean | null;
  /** Steps of decoding that go to the device at once where `generate` is compiled; 16 unless given. */
  readonly steps_per_submit?: number;
}

/** How programs are run; `compile` sets it. */
export interface CompileSettings {
  readonly stepsPerSubmit: number;
  readonly fullgraph: boolean;
  readonly autotune: boolean;
}

/** Without `compile`: a step at a time, so that each token is there as soon as it is made. */
export const STEP_BY_STEP: CompileSettings = { stepsPerSubmit: 1, fullgraph: false, autotune: false };

const MODES = ["default", "reduce-overhead", "max-autotune"];
const KNOWN = ["mode", "fullgraph", "dynamic", "steps_per_submit"];
/** Arguments of torch.compile that say how PyTorch compiles, which means nothing here. */
const CARRIED_OVER = ["backend"];

/** The settings that options of `compile` stand for; anything unknown is an error that names it. */
export function settingsFor(options: CompileOptions, kind: "forward" | "generate"): CompileSettings {
  for (const [name, value] of Object.entries(options))
    if (value !== undefined && !KNOWN.includes(name) && !CARRIED_OVER.includes(name))
      throw new FusewireError(`compile: '${name}' is not an option; options are ${KNOWN.join(", ")}`);
  const { mode = "default", fullgraph = false, dynamic, steps_per_submit } = options;
  if (!MODES.includes(mode))
    throw new FusewireError(`compile: mode '${mode}' is not known; choose one of ${MODES.join(", ")}`);
  if (dynamic)
    throw new FusewireError(
      "compile: dynamic shapes are not supported; lengths and batches are padded to buckets, so leave 'dynamic' out",
    );
  if (steps_per_submit !== undefined && kind === "forward")
    throw new FusewireError("compile: 'steps_per_submit' is for compile(model.generate)");
  const stepsPerSubmit = steps_per_submit ?? (kind === "generate" ? 16 : 1);
  if (!Number.isSafeInteger(stepsPerSubmit) || stepsPerSubmit < 1)
    throw new FusewireError(
      `compile: 'steps_per_submit' must be an integer of 1 or more, not ${stepsPerSubmit}`,
    );
  return { stepsPerSubmit, fullgraph, autotune: mode === "max-autotune" };
}

/** What holds where both forward and generate were compiled. */
export const joined = (a: CompileSettings, b: CompileSettings): CompileSettings => ({
  stepsPerSubmit: Math.max(a.stepsPerSubmit, b.stepsPerSubmit),
  fullgraph: a.fullgraph || b.fullgraph,
  autotune: a.autotune || b.autotune,
});
