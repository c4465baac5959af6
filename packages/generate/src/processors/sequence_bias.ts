import { add, matmul, mul, reshape, toValue } from "@fusewire/ir";
import type { Processor } from "./processor.ts";
import { encodeSequences, lastTokens, sequenceMatches } from "./sequences.ts";

/** Adds a bias to a token where it would complete a sequence; biases of sequences with one end add up (SequenceBiasLogitsProcessor). */
export const sequenceBias: Processor = {
  option: "sequence_bias",
  samplingOnly: false,
  encode: (value) => {
    const given = value as readonly (readonly [readonly number[], number])[];
    // Of a sequence that is given twice the last counts, as in Hugging Face.
    const pairs = [...new Map(given.map((pair) => [pair[0].join(), pair])).values()];
    if (pairs.length === 0) return undefined;
    const encoded = encodeSequences(pairs.map(([ids]) => ids));
    const rows = encoded.sizes.type.shape[0]!;
    const biases = Array.from({ length: rows }, (_, n) => pairs[n]?.[1] ?? 0);
    return { inputs: { ...encoded, biases: toValue({ dtype: "f32", shape: [rows] }, biases) } };
  },
  apply: (scores, inputs, context) => {
    const weights = mul(sequenceMatches(inputs, context), reshape(inputs.biases!, [1, -1]));
    return add(scores, matmul(weights, lastTokens(inputs, scores.type.shape[1]!)));
  },
};
