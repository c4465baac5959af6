import { lt, matmul, where } from "@fusewire/ir";
import type { Processor } from "./processor.ts";
import { encodeSequences, lastTokens, sequenceMatches } from "./sequences.ts";

/** Bans the token that would complete one of the sequences; one that is just an end token is left out (NoBadWordsLogitsProcessor). */
export const badWords: Processor = {
  option: "bad_words_ids",
  samplingOnly: false,
  encode: (value, { eos }) => {
    const words = (value as readonly (readonly number[])[]).filter(
      (ids) => ids.length > 1 || !eos.includes(ids[0]!),
    );
    return words.length === 0 ? undefined : { inputs: encodeSequences(words) };
  },
  apply: (scores, inputs, context) => {
    const completed = matmul(sequenceMatches(inputs, context), lastTokens(inputs, scores.type.shape[1]!));
    return where(lt(0, completed), Number.NEGATIVE_INFINITY, scores);
  },
};
