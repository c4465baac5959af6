import { FusewireError } from "@fusewire/ir";
import type { RopeParameters } from "./rope-parameters.ts";

export interface RotaryFrequencies {
  /** Angle per position of each pair of elements, in radians, each an f32. */
  readonly frequencies: readonly number[];
  /** Elements of a head that turn; the others stay. */
  readonly turned: number;
  /** cos and sin are multiplied by this. */
  readonly attentionScale: number;
}

const f32 = Math.fround;

type Scaled = Omit<RotaryFrequencies, "turned">;

const TYPES: Readonly<Record<string, (rope: RopeParameters, turned: number) => Scaled>> = {
  default: (rope, headDim) => unscaled(defaultFrequencies(rope.rope_theta, headDim)),
  linear: (rope, headDim) => {
    const factor = f32(required(rope, "factor"));
    return unscaled(defaultFrequencies(rope.rope_theta, headDim).map((frequency) => f32(frequency / factor)));
  },
  llama3: (rope, headDim) => unscaled(llama3Frequencies(rope, headDim)),
  yarn: yarnFrequencies,
};

const unscaled = (frequencies: number[]): Scaled => ({ frequencies, attentionScale: 1 });

/**
 * The inverse frequencies of a rotary embedding, rounded to f32 at the places where Hugging Face rounds. `partial` is the
 * part of a head that turns where config.json does not say.
 */
export function rotaryFrequencies(rope: RopeParameters, headDim: number, partial = 1): RotaryFrequencies {
  const compute = Object.hasOwn(TYPES, rope.rope_type) ? TYPES[rope.rope_type] : undefined;
  if (!compute)
    throw new FusewireError(
      `rope_type '${rope.rope_type}' of config.json is not supported; supported are ${Object.keys(TYPES).join(", ")}`,
    );
  if (!Number.isSafeInteger(headDim) || headDim < 2 || headDim % 2 !== 0)
    throw new FusewireError(
      `a rotary embedding needs an even head dimension >= 2, got ${headDim}; check head_dim, or hidden_size and num_attention_heads, of config.json`,
    );
  const part = rope.partial_rotary_factor ?? partial;
  const turned = Math.trunc(headDim * part);
  if (part > 1 || turned < 2 || turned % 2 !== 0)
    throw new FusewireError(
      `partial_rotary_factor ${part} of config.json turns ${turned} of the ${headDim} elements of a head, which must be an even number of them; correct it`,
    );
  return { ...compute(rope, turned), turned };
}

function defaultFrequencies(theta: number, headDim: number): number[] {
  const base = f32(theta);
  return Array.from({ length: headDim / 2 }, (_, i) => f32(1 / f32(base ** f32((2 * i) / headDim))));
}

/** Llama 3.1: long wavelengths are stretched by `factor`, short ones stay, and those between are mixed. */
function llama3Frequencies(rope: RopeParameters, headDim: number): number[] {
  const factor = f32(required(rope, "factor"));
  const low = required(rope, "low_freq_factor");
  const high = required(rope, "high_freq_factor");
  const context = required(rope, "original_max_position_embeddings");
  if (high <= low)
    throw new FusewireError(
      `rope_type 'llama3' of config.json has high_freq_factor ${high}, which must be larger than low_freq_factor ${low}`,
    );
  const lowWavelength = f32(context / low);
  const highWavelength = f32(context / high);

  return defaultFrequencies(rope.rope_theta, headDim).map((frequency) => {
    // PyTorch divides a number by a tensor as reciprocal, then product: two roundings.
    const wavelength = f32(f32(1 / frequency) * f32(2 * Math.PI));
    if (wavelength > lowWavelength) return f32(frequency / factor);
    if (wavelength < highWavelength) return frequency;
    const turns = f32(f32(1 / wavelength) * f32(context));
    const smooth = f32(f32(turns - f32(low)) / f32(high - low));
    const stretched = f32(f32(f32(1 - smooth) * frequency) / factor);
    return f32(stretched + f32(smooth * frequency));
  });
}

/** YaRN (Peng et al. 2023): slow turns are stretched by `factor`, fast ones stay, and those between are mixed. */
function yarnFrequencies(rope: RopeParameters, headDim: number): Scaled {
  const factor = required(rope, "factor");
  const context = required(rope, "original_max_position_embeddings");
  const { rope_theta: theta, beta_fast = 32, beta_slow = 1, truncate = true } = rope;
  /** The dimension that turns so often within the original context. */
  const dimensionOf = (turns: number) =>
    (headDim * Math.log(context / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const [fast, slow] = [dimensionOf(beta_fast), dimensionOf(beta_slow)];
  const low = Math.max(truncate ? Math.floor(fast) : fast, 0);
  const high = Math.min(truncate ? Math.ceil(slow) : slow, headDim - 1);
  const width = f32(high === low ? 0.001 : high - low);
  const base = f32(theta);
  const frequencies = Array.from({ length: headDim / 2 }, (_, i) => {
    const power = f32(base ** f32((2 * i) / headDim));
    const ramp = Math.min(1, Math.max(0, f32(f32(i - f32(low)) / width)));
    const kept = f32(1 - ramp);
    const stretched = f32(f32(1 / f32(f32(factor) * power)) * f32(1 - kept));
    return f32(stretched + f32(f32(1 / power) * kept));
  });
  return { frequencies, attentionScale: rope.attention_factor ?? yarnScale(rope, factor) };
}

/** How much longer texts raise the scores of attention; `mscale` and `mscale_all_dim` are DeepSeek's. */
function yarnScale({ mscale, mscale_all_dim }: RopeParameters, factor: number): number {
  const scaleOf = (weight: number) => (factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1);
  return mscale !== undefined && mscale_all_dim !== undefined
    ? scaleOf(mscale) / scaleOf(mscale_all_dim)
    : scaleOf(1);
}

function required(
  rope: RopeParameters,
  name: "factor" | "low_freq_factor" | "high_freq_factor" | "original_max_position_embeddings",
): number {
  const value = rope[name];
  if (value === undefined)
    throw new FusewireError(`rope_type '${rope.rope_type}' of config.json needs '${name}'; add it`);
  return value;
}
