import type { Tracer } from "@fusewire/ir";
import { type RawConfig, type RotaryFrequencies, rotaryFrequencies } from "../config/index.ts";
import type { RowOrder } from "../stored/index.ts";
import type { Angles } from "./attention.ts";
import { headOrder } from "./head_order.ts";
import { rotaryAngles, type Step } from "./step.ts";

/** Rotary positions of a model. */
export interface Rotary {
  /** Of each layer; undefined where a layer knows no positions. */
  readonly layers: readonly (RotaryFrequencies | undefined)[];
  /** How heads are ordered so that kernels can turn them. */
  readonly reordered: readonly RowOrder[];
}

/** What a family says of its rotary positions, beside config.json. */
export interface RotaryRules {
  /** Whether neighbours are turned together, rather than the halves of a head. */
  readonly interleaved?: boolean;
  /** The part of a head that turns, where config.json does not say. */
  readonly partial?: number;
  /** `rope_theta` where config.json does not say. */
  readonly theta?: number;
  /** Layers that know no positions. */
  readonly without?: (layer: number) => boolean;
}

/** The norms and projections whose rows are elements of heads that turn. */
const TURNED = ["q_proj", "k_proj", "q_norm", "k_norm"];

/** Rotary positions as config.json and the family have them, for heads of so many elements. */
export function readRotary(
  config: RawConfig,
  layers: number,
  headDim: number,
  { interleaved = false, partial = 1, theta, without = () => false }: RotaryRules = {},
): Rotary {
  const types = config.values.layer_types;
  const known = new Map<string, RotaryFrequencies>();
  const ofType = (type: string): RotaryFrequencies => {
    const made = known.get(type) ?? rotaryFrequencies(config.ropeParameters(type, theta), headDim, partial);
    known.set(type, made);
    return made;
  };
  const all = Array.from({ length: layers }, (_, layer) =>
    without(layer) ? undefined : ofType(Array.isArray(types) ? String(types[layer]) : "full_attention"),
  );
  const [some] = known.values();
  const order = some && headOrder(headDim, some.turned, interleaved);
  // A scale of cosines would also scale what does not turn.
  const cut = [...known.values()].some((rope) => rope.turned < headDim && rope.attentionScale !== 1);
  if (!order || (cut && !interleaved)) return { layers: all, reordered: [] };
  return {
    layers: all.map((rope) => rope && padded(rope, headDim)),
    reordered: [{ modules: TURNED, order }],
  };
}

/** With the angle 0 for what does not turn. */
const padded = (rope: RotaryFrequencies, headDim: number): RotaryFrequencies => ({
  ...rope,
  frequencies: [...rope.frequencies, ...new Array<number>(headDim / 2 - rope.frequencies.length).fill(0)],
});

/** The angles of each layer; layers with the same rotary positions share them. */
export function traceAngles(
  tracer: Tracer,
  step: Step,
  { layers }: Pick<Rotary, "layers">,
): (Angles | undefined)[] {
  const known = new Map<RotaryFrequencies, Angles>();
  return layers.map((rope) => {
    if (!rope) return undefined;
    const angles = known.get(rope) ?? rotaryAngles(tracer, step, rope);
    known.set(rope, angles);
    return angles;
  });
}
