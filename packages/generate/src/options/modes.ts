import type { BeamOptions } from "../beams/hypotheses.ts";
import { type HostProcessor, prefixProcessor, userProcessor } from "../processors/host.ts";
import { type WatermarkingConfig, watermarkProcessor } from "../processors/watermark.ts";
import type { ScoreOutput } from "../scores/outputs.ts";
import type { Stopping } from "../stopping/criteria.ts";
import type { StopStrings } from "../stopping/finish_reason.ts";
import type { GivenOptions } from "./conflicts.ts";

/** How many texts a generation makes, what JavaScript has to do with it, and what it returns beside tokens. */
export interface GenerationModes {
  /** Set for beam search and beam sampling. */
  readonly beams: BeamOptions | undefined;
  /** Texts returned of each prompt. */
  readonly returned: number;
  readonly returns: readonly ScoreOutput[];
  /** Processors in JavaScript. */
  readonly hosts: readonly HostProcessor[];
  readonly stopping: Stopping;
  readonly stopStrings: StopStrings | undefined;
}

/** Reads them from options that are checked. */
export function modesOf(given: GivenOptions): GenerationModes {
  const returned = given.num_return_sequences ?? 1;
  const beams = given.num_beams ?? 1;
  const strings = [given.stop_strings ?? []].flat() as string[];
  const prefix = given.prefix_allowed_tokens_fn;
  const returns: readonly (ScoreOutput | false | undefined)[] = [
    given.output_scores && "scores",
    given.output_logits && "logits",
    given.output_logprobs && "logprobs",
  ];
  return {
    beams:
      beams > 1
        ? {
            beams,
            lengthPenalty: given.length_penalty ?? 1,
            earlyStopping: (given.early_stopping as BeamOptions["earlyStopping"] | undefined) ?? false,
            returned,
          }
        : undefined,
    returned,
    returns: returns.filter((name): name is ScoreOutput => typeof name === "string"),
    hosts: [
      ...(prefix ? [prefixProcessor(prefix, Math.max(beams, returned))] : []),
      ...(given.logits_processor ?? []).map(userProcessor),
      ...(given.watermarking_config
        ? [watermarkProcessor(given.watermarking_config as WatermarkingConfig)]
        : []),
    ],
    stopping: {
      criteria: given.stopping_criteria ?? [],
      maxTime: given.max_time === undefined ? undefined : 1000 * given.max_time,
    },
    stopStrings: strings.length > 0 ? { tokenizer: given.tokenizer!, strings } : undefined,
  };
}
