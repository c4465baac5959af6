import { FusewireError } from "@fusewire/ir";
import type { AttentionKernel, Engine } from "@fusewire/passes";
import type { AllowedKernels } from "./scope.ts";

/**
 * Hugging Face's names: `eager` computes attention by plain products and softmax; `sdpa` by the engine's own kernel, or
 * by those that `sdpa_kernel` allows; `flash_attention_2` only by one that takes blocks of keys past a running softmax.
 */
export type AttentionImplementation = "eager" | "sdpa" | "flash_attention_2";

const IMPLEMENTATIONS: readonly AttentionImplementation[] = ["eager", "sdpa", "flash_attention_2"];

/** The name, when there is such an implementation and the engine has it. */
export function checkImplementation(name: string, engine: Engine): AttentionImplementation {
  const found = IMPLEMENTATIONS.find((known) => known === name);
  if (!found)
    throw new FusewireError(
      `attn_implementation '${name}' is not supported; choose one of ${IMPLEMENTATIONS.join(", ")}`,
    );
  if (found === "flash_attention_2") flash(engine);
  return found;
}

/** The kernel that attention runs in; undefined leaves it to the engine. */
export function chooseAttention(
  implementation: AttentionImplementation,
  allowed: AllowedKernels | undefined,
  engine: Engine,
): AttentionKernel | undefined {
  switch (implementation) {
    case "eager":
      return "math";
    case "flash_attention_2":
      return flash(engine);
    case "sdpa":
      return allowed && firstAllowed(allowed, engine);
  }
}

/** Weights and caches of f32, f16 and bf16 are all read by it; sums are f32. */
function flash(engine: Engine): AttentionKernel {
  if (!engine.attention.includes("flash_attention"))
    throw new FusewireError(
      `flash_attention_2 needs a flash attention kernel, which device '${engine.name}' lacks (${kernelsOf(engine)}); choose attn_implementation 'sdpa' or another device`,
    );
  return "flash_attention";
}

function firstAllowed(allowed: AllowedKernels, engine: Engine): AttentionKernel {
  const found = allowed.find((kernel) => kernel === "math" || engine.attention.includes(kernel));
  if (!found)
    throw new FusewireError(
      `sdpa_kernel allows only ${allowed.join(" and ")}, which device '${engine.name}' lacks (${kernelsOf(engine)}); allow SDPBackend.MATH too, or choose another device`,
    );
  return found;
}

const kernelsOf = ({ attention }: Engine): string => `it has ${[...attention, "math"].join(", ")}`;
