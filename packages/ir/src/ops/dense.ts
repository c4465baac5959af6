import { FusewireError } from "../errors.ts";
import type { Node } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import type { TensorType } from "../type.ts";
import { castValue } from "../value.ts";
import type { Activation } from "./activation.ts";
import { cast } from "./cast.ts";
import { epilogueOf } from "./epilogue.ts";
import { gatedLinear, gatedLinearOp } from "./gated_linear.ts";
import { layerNorm, layerNormOp } from "./layer_norm.ts";
import { linear, linearOp } from "./linear.ts";
import { rmsNorm, rmsNormOp } from "./rms_norm.ts";

interface DenseAttrs {
  /** "none"; "rms", with a gain; or "layer", with a gain and a shift. */
  readonly norm: string;
  readonly eps: number;
  readonly activation: string;
  readonly bias: boolean;
  readonly residual: boolean;
  /** The weight holds gate rows and up rows; see `gated_linear`. */
  readonly gated: boolean;
}

declare module "../node.ts" {
  interface OpAttrs {
    dense: DenseAttrs;
  }
}

/** How many inputs a norm takes beside x. */
const NORM_INPUTS: Readonly<Record<string, number>> = { none: 0, rms: 1, layer: 2 };

interface Parts<T> {
  readonly x: T;
  readonly norm: readonly T[];
  readonly weight: T;
  /** Bias and residual, as far as there are any. */
  readonly rest: readonly T[];
}

function partsOf<T>([x, ...inputs]: readonly T[], norm: string): Parts<T> {
  const count = NORM_INPUTS[norm];
  const weight = count === undefined ? undefined : inputs[count];
  if (weight === undefined) throw new FusewireError(`unknown norm '${norm}', or no weight`);
  return { x: x!, norm: inputs.slice(0, count), weight, rest: inputs.slice(count! + 1) };
}

const productAttrs = ({ activation, bias, residual }: DenseAttrs) => ({ activation, bias, residual });

export const denseOp = defineOp<"dense">({
  name: "dense",
  arity: [2, 6],
  attrs: {
    norm: "string",
    eps: "float",
    activation: "string",
    bias: "bool",
    residual: "bool",
    gated: "bool",
  },
  infer: (types, attrs) => {
    const { x, norm, weight, rest } = partsOf<TensorType>(types, attrs.norm);
    const { eps } = attrs;
    if (attrs.norm === "rms") rmsNormOp.infer([x, ...norm], { eps });
    if (attrs.norm === "layer") layerNormOp.infer([x, ...norm], { eps });
    if (!["f32", "f16", "bf16"].includes(weight.dtype))
      throw new FusewireError("the weight must be of floats");
    const wide: TensorType = { dtype: "f32", shape: weight.shape };
    if (attrs.gated && attrs.residual) throw new FusewireError("a gated product takes no residual");
    return attrs.gated
      ? gatedLinearOp.infer([x, wide, ...rest], attrs)
      : linearOp.infer([x, wide, ...rest], productAttrs(attrs));
  },
  evaluate: (inputs, attrs, type) => {
    const { x, norm, weight, rest } = partsOf(inputs, attrs.norm);
    const normOp = attrs.norm === "rms" ? rmsNormOp : layerNormOp;
    const normed = norm.length > 0 ? normOp.evaluate!([x, ...norm], { eps: attrs.eps }, x.type) : x;
    const wide = castValue(weight, "f32");
    return attrs.gated
      ? gatedLinearOp.evaluate!([normed, wide, ...rest], attrs, type)
      : linearOp.evaluate!([normed, wide, ...rest], productAttrs(attrs), type);
  },
  expand: (inputs, { norm: kind, eps, activation, bias, residual, gated }) => {
    const { x, norm, weight, rest } = partsOf(inputs, kind);
    const [gain, shift] = norm as readonly [Node?, Node?];
    const normed = gain && shift ? layerNorm(x, gain, shift, eps) : gain ? rmsNorm(x, gain, eps) : x;
    const wide = cast(weight, "f32");
    const named = activation as Activation;
    const given = epilogueOf(rest, { bias, residual });
    if (gated) return gatedLinear(normed, wide, named, given.bias);
    return linear(normed, wide, {
      activation: named,
      ...(given.bias && { bias: given.bias }),
      ...(given.residual && { residual: given.residual }),
    });
  },
});

/** What `dense` normalises x by, before the product. */
export interface DenseNorm {
  readonly gain: Node;
  /** Makes it a layer norm. */
  readonly shift?: Node | undefined;
  readonly eps: number;
}

/** The product of `dense` and what is done to it. */
export interface DenseProduct {
  /** f32, f16 or bf16 [n, k]; 16-bit weights are widened as they are read. */
  readonly weight: Node;
  readonly bias?: Node | undefined;
  readonly residual?: Node | undefined;
  readonly activation: string;
  readonly gated: boolean;
}

/**
 * linear or gated_linear with what an engine can do in the same launch: a norm of x before it, and a weight stored in
 * 16 bits.
 */
export function dense(x: Node, product: DenseProduct, norm?: DenseNorm): Node {
  const { weight, bias, residual, activation, gated } = product;
  const inputs = [x, norm?.gain, norm?.shift, weight, bias, residual].filter((node) => node !== undefined);
  return emit(denseOp, inputs, {
    norm: norm ? (norm.shift ? "layer" : "rms") : "none",
    eps: norm?.eps ?? 0,
    activation,
    bias: bias !== undefined,
    residual: residual !== undefined,
    gated,
  });
}
