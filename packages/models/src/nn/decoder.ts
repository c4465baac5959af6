import { add, gather, mul, type Node } from "@fusewire/ir";
import { type Block, preNormBlock } from "./blocks.ts";
import type { CausalModel } from "./causal_model.ts";
import { weight, within } from "./context.ts";
import type { DecoderConfig } from "./decoder_config.ts";
import { embedding, head, softcap } from "./layers.ts";
import { norm } from "./norm.ts";
import { traceAngles } from "./positions.ts";

/** The whole model around its layers, with the names that Hugging Face gives the weights. */
export function decoderModel(c: DecoderConfig, block: Block = preNormBlock(c)): CausalModel {
  const { names } = c;
  const { base } = names;
  const table = `${base}.${names.embedding}`;
  return {
    vocabSize: c.vocabSize,
    maxPositions: c.maxPositions,
    positionTable: c.positionTable !== undefined,
    layers: c.layers,
    width: c.width,
    inner: c.mlp.inner,
    attention: c.attention,
    keeping: {
      ...c.keeping,
      reordered: c.rotary.reordered,
      tied: c.tied ? `${table}.weight` : undefined,
    },
    decode: (context, tokens, step, told) =>
      within(context, base, (model): Node => {
        const angles = traceAngles(context.tracer, step, c.rotary);
        let x = embedding(model, names.embedding, tokens, c.vocabSize, c.width);
        if (c.embeddingScale !== 1) x = mul(x, c.embeddingScale);
        const { positionTable } = c;
        if (positionTable)
          x = within(model, positionTable.name, (inner) =>
            add(x, gather(weight(inner, "weight", [c.maxPositions, c.width]), step.positions)),
          );
        for (let i = 0; i < c.layers; i++) {
          told?.(x);
          x = within(model, `${names.layers}.${i}`, (layer) => block(layer, i, x, step, angles[i]));
        }
        return norm(model, names.norm, x, c.norm);
      }),
    head: (context, hidden) => {
      const scores = head(context, hidden, c.vocabSize, c.tied ? table : undefined, c.headBias);
      const scaled = c.scoreScale === 1 ? scores : mul(scores, c.scoreScale);
      return c.scoreCap > 0 ? softcap(scaled, c.scoreCap) : scaled;
    },
  };
}
