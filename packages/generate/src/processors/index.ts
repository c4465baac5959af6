import { badWords } from "./bad_words.ts";
import { encoderNoRepeatNgram } from "./encoder_no_repeat_ngram.ts";
import { encoderRepetitionPenalty } from "./encoder_repetition_penalty.ts";
import { epsilonCutoff } from "./epsilon_cutoff.ts";
import { etaCutoff } from "./eta_cutoff.ts";
import { exponentialDecay } from "./exponential_decay.ts";
import { forcedBos, forcedEos } from "./forced_tokens.ts";
import { minLength, minNewTokens } from "./min_length.ts";
import { minP } from "./min_p.ts";
import { noRepeatNgram } from "./no_repeat_ngram.ts";
import type { Processor } from "./processor.ts";
import { removeInvalidValues } from "./remove_invalid_values.ts";
import { renormalizeLogits } from "./renormalize_logits.ts";
import { repetitionPenalty } from "./repetition_penalty.ts";
import { sequenceBias } from "./sequence_bias.ts";
import { beginSuppressTokens, suppressTokens } from "./suppress_tokens.ts";
import { temperature } from "./temperature.ts";
import { topH } from "./top_h.ts";
import { topK } from "./top_k.ts";
import { topP } from "./top_p.ts";
import { typicalP } from "./typical_p.ts";

/** All processors, in the order in which Hugging Face's generate() applies them. */
export const PROCESSORS: readonly Processor[] = [
  sequenceBias,
  encoderRepetitionPenalty,
  repetitionPenalty,
  noRepeatNgram,
  encoderNoRepeatNgram,
  badWords,
  minLength,
  minNewTokens,
  forcedBos,
  forcedEos,
  removeInvalidValues,
  exponentialDecay,
  suppressTokens,
  beginSuppressTokens,
  temperature,
  topH,
  topK,
  topP,
  minP,
  typicalP,
  epsilonCutoff,
  etaCutoff,
  renormalizeLogits,
];
