import { FusewireError, numbersOf, toValue, type Value } from "@fusewire/ir";
import type { GenerationDefaults } from "@fusewire/models";
import { type GenerationOptions, type ResolvedOptions, resolveOptions } from "../options/index.ts";
import { eosBucket, rowSeed } from "../plan.ts";
import { checkIds } from "../processors/check_ids.ts";
import { perRow } from "../processors/encode.ts";
import { selectionFor } from "../selection.ts";

/** How one row of a running batch goes on: its options as the data of one row of a program. */
export interface RowChoice {
  /** Whether the best score is taken as the model gave it, so that nothing needs to be processed. */
  readonly plain: boolean;
  /** Length at which the row ends. */
  readonly limit: number;
  readonly eos: readonly number[];
  /** Whether the scores of each step are wanted on the host. */
  readonly scores: boolean;
  /** The inputs of `selectionByRow` for one row. */
  readonly inputs: Readonly<Record<string, Value>>;
}

/** End tokens a row may have: those of every known model. */
export const eosRoom = eosBucket(1);

/** What a row's options are read with. */
export interface ChoiceContext {
  readonly vocabSize: number;
  /** Tokens that the row's slot has room for. */
  readonly capacity: number;
  /** The checkpoint's own settings. */
  readonly defaults: GenerationDefaults;
}

/**
 * Reads options of generate() for one row of a running batch, whose prompt has so many tokens. An option that would need a
 * program of its own (beams, bans, drafts, processors in JavaScript) is an error that names it.
 */
export function rowChoice(
  options: GenerationOptions,
  promptLength: number,
  { vocabSize, capacity, defaults }: ChoiceContext,
): RowChoice {
  const resolved = resolveOptions(options, defaults);
  checkIds(resolved.values, vocabSize);
  refuse(resolved);
  const { sample, values, eos, returns } = resolved;
  const maxNew = resolved.maxNewTokens(promptLength, capacity);
  if (promptLength + maxNew > capacity)
    throw new FusewireError(
      `a prompt of ${promptLength} tokens and ${maxNew} new ones are more than the ${capacity} that a row holds; shorten the prompt or lower max_new_tokens`,
    );
  if (eos.length > eosRoom)
    throw new FusewireError(`eos_token_id has ${eos.length} ids; a row of a running batch takes ${eosRoom}`);
  const context = { batch: 1, eos, prompts: [promptLength], width: promptLength, maxNew };
  const asked = selectionFor(sample, values, context).selection.name;
  const [, ...extras] = asked.split("+");
  const others = extras.filter((name) => name !== "repetition_penalty");
  if (others.length > 0)
    throw new FusewireError(
      `${others.map((name) => name.replace(/[=[].*/, "")).join(", ")}: a running batch has no such processing; leave it out, or call model.generate`,
    );
  const seed = resolved.seed ?? Math.floor(Math.random() * 2 ** 32);
  // A greedy row keeps its penalty and drops what only sampling has.
  const kept = sample ? values : { repetition_penalty: values.repetition_penalty };
  return {
    plain: !sample && extras.length === 0,
    limit: promptLength + maxNew,
    eos,
    scores: returns.includes("logits"),
    inputs: {
      ...selectionFor(true, kept, context).inputs,
      do_sample: perRow(1, "i32", () => (sample ? 1 : 0)),
      seed: perRow(1, "u32", () => (typeof seed === "number" ? rowSeed(seed, 0) : seed[0]!)),
    },
  };
}

/** Options that concern more than one row, or more than one step of it. */
function refuse(resolved: ResolvedOptions): void {
  const { beams, returned, hosts, lookup, assistant, guidance, pastKeyValues, stopStrings, stopping } =
    resolved;
  const named = {
    num_beams: beams,
    num_return_sequences: returned > 1,
    logits_processor: hosts.length > 0,
    prompt_lookup_num_tokens: lookup,
    assistant_model: assistant,
    guidance_scale: guidance,
    past_key_values: pastKeyValues,
    stop_strings: stopStrings,
    stopping_criteria: stopping.criteria.length > 0,
    max_time: stopping.maxTime,
  };
  const found = Object.entries(named).find(([, value]) => value)?.[0];
  if (found !== undefined)
    throw new FusewireError(
      `a row of a running batch has no '${found}'; leave it out, or call model.generate`,
    );
}

/** The data of several rows, and of as many more as fill the batch, as inputs of one program. */
export function stackChoices(
  choices: readonly RowChoice[],
  batch: number,
  plain: boolean,
): Readonly<Record<string, Value>> {
  const at = (b: number): RowChoice => choices[b] ?? choices[0]!;
  const rows = Array.from({ length: batch }, (_, b) => at(b));
  const stacked = Object.keys(choices[0]!.inputs).map((name) => [
    name,
    stack(rows.map(({ inputs }) => inputs[name]!)),
  ]);
  return {
    ...(!plain && Object.fromEntries(stacked)),
    limit: perRow(batch, "i32", (b) => at(b).limit),
    eos: toValue(
      { dtype: "i32", shape: [batch, eosRoom] },
      rows.flatMap(({ eos }) => Array.from({ length: eosRoom }, (_, i) => eos[i] ?? -1)),
    ),
  };
}

const stack = (rows: readonly Value[]): Value => {
  const { dtype, shape } = rows[0]!.type;
  return toValue(
    { dtype, shape: [rows.length, ...shape.slice(1)] },
    rows.flatMap((row) => [...numbersOf(row)]),
  );
};
