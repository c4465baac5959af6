/** How the halves of a layer, attention and MLP, are put together. */
import { add, mul, type Node } from "@fusewire/ir";
import { type Angles, selfAttention } from "./attention.ts";
import type { LayerContext } from "./context.ts";
import { attentionOf, type DecoderConfig } from "./decoder_config.ts";
import { mlp } from "./mlp.ts";
import { norm } from "./norm.ts";
import type { Step } from "./step.ts";

/** One decoder layer: x f32[B, T, width] -> the same. */
export type Block = (
  layer: LayerContext,
  index: number,
  x: Node,
  step: Step,
  angles: Angles | undefined,
) => Node;

const scaled = ({ residualScale }: DecoderConfig, half: Node): Node =>
  residualScale === 1 ? half : mul(half, residualScale);

/** x + attention(norm(x)), then + mlp(norm(…)): the layer of Llama, Mistral, Qwen2 and Gemma. */
export const preNormBlock =
  (
    c: DecoderConfig,
    names: readonly [string, string] = ["input_layernorm", "post_attention_layernorm"],
  ): Block =>
  (layer, index, x, step, angles) => {
    const attended = selfAttention(
      layer,
      index,
      norm(layer, names[0], x, c.norm),
      step,
      angles,
      attentionOf(c, index),
    );
    const h = add(x, scaled(c, attended));
    return add(h, scaled(c, mlp(layer, norm(layer, names[1], h, c.norm), c.mlp)));
  };

/** x + norm(attention(x)), then + norm(mlp(…)): the layer of OLMo 2 and EXAONE 4. */
export const postNormBlock =
  (c: DecoderConfig): Block =>
  (layer, index, x, step, angles) => {
    const attended = selfAttention(layer, index, x, step, angles, attentionOf(c, index));
    const h = add(x, norm(layer, "post_attention_layernorm", attended, c.norm));
    return add(h, norm(layer, "post_feedforward_layernorm", mlp(layer, h, c.mlp), c.norm));
  };

/** Names of the four norms of a sandwich, in the order in which they are applied. */
export type SandwichNames = readonly [string, string, string, string];

const GEMMA: SandwichNames = [
  "input_layernorm",
  "post_attention_layernorm",
  "pre_feedforward_layernorm",
  "post_feedforward_layernorm",
];

/** x + norm(attention(norm(x))), then + norm(mlp(norm(…))): the layer of Gemma 2 and GLM-4. */
export const sandwichBlock =
  (c: DecoderConfig, names: SandwichNames = GEMMA): Block =>
  (layer, index, x, step, angles) => {
    const normed = (k: 0 | 1 | 2 | 3, y: Node) => norm(layer, names[k], y, c.norm);
    const attended = selfAttention(layer, index, normed(0, x), step, angles, attentionOf(c, index));
    const h = add(x, normed(1, attended));
    return add(h, normed(3, mlp(layer, normed(2, h), c.mlp)));
  };

/** x + attention(norm(x)) + mlp(norm(x)): the halves read the same input (GPT-J, Phi, Cohere), through one norm or two. */
export const parallelBlock =
  (c: DecoderConfig, mlpNorm = "input_layernorm"): Block =>
  (layer, index, x, step, angles) => {
    const normed = norm(layer, "input_layernorm", x, c.norm);
    const other = mlpNorm === "input_layernorm" ? normed : norm(layer, mlpNorm, x, c.norm);
    const attended = selfAttention(layer, index, normed, step, angles, attentionOf(c, index));
    return add(add(x, attended), mlp(layer, other, c.mlp));
  };
