import { type CausalLM, type GenerationOptions, idleOptions } from "@fusewire/generate";
import { FusewireError } from "@fusewire/ir";
import { inFlags } from "./naming.ts";

/** Refuses flags that would change nothing. `generate` only notes such options in its stats, which nobody reads in a shell. */
export function refuseIdle(
  options: GenerationOptions,
  { generation_config }: Pick<CausalLM, "generation_config">,
): void {
  const [idle] = idleOptions({ ...generation_config, ...options } as GenerationOptions, options);
  if (idle !== undefined) throw new FusewireError(inFlags(idle));
}
