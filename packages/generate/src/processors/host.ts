import { emptyValue, FusewireError, floats, type Value } from "@fusewire/ir";
import type { Selection } from "../selection.ts";
import { PROCESSORS } from "./index.ts";

/**
 * A logits processor in JavaScript (Hugging Face LogitsProcessor): gets the tokens of each row so far, pads left out,
 * and its scores over the vocabulary, and returns the scores to go on with; it may change them in place.
 */
export type LogitsProcessor = (
  input_ids: readonly (readonly number[])[],
  scores: readonly Float32Array[],
) => readonly Float32Array[];

/** The ids that may follow in a row of the prompt `batch_id`, given its tokens so far. */
export type PrefixAllowedTokens = (batch_id: number, input_ids: readonly number[]) => readonly number[];

/** Processing in JavaScript, between the traced processors. */
export interface HostProcessor {
  /** Option of the first processor, in Hugging Face's order, that comes after it. */
  readonly before: string;
  readonly apply: LogitsProcessor;
}

/** User processors come behind those that apply without sampling too, before temperature and filters. */
export const userProcessor = (apply: LogitsProcessor): HostProcessor => ({ before: "temperature", apply });

/** All scores but those of allowed ids become -inf (PrefixConstrainedLogitsProcessor); `perPrompt` rows have one prompt. */
export const prefixProcessor = (allowed: PrefixAllowedTokens, perPrompt: number): HostProcessor => ({
  before: "forced_bos_token_id",
  apply: (input_ids, scores) =>
    scores.map((row, b) => {
      const batchId = Math.floor(b / perPrompt);
      const ids = allowed(batchId, input_ids[b]!);
      if (!Array.isArray(ids) || ids.length === 0)
        throw new FusewireError(
          `prefix_allowed_tokens_fn returned no ids for prompt ${batchId}; return at least one, such as the end token`,
        );
      const kept = new Float32Array(row.length).fill(Number.NEGATIVE_INFINITY);
      for (const id of ids) {
        if (!Number.isInteger(id) || id < 0 || id >= row.length)
          throw new FusewireError(
            `prefix_allowed_tokens_fn returned ${id}; ids are integers from 0 to ${row.length - 1}`,
          );
        kept[id] = row[id]!;
      }
      return kept;
    }),
});

/** Traced processors, and what JavaScript does to the scores behind them. */
export interface HostStage {
  readonly selection: Selection;
  readonly hosts: readonly HostProcessor[];
}

/** A selection cut where JavaScript comes in: the stages, in order, and the selection that chooses at the end. */
export function cutAtHosts(
  selection: Selection,
  hosts: readonly HostProcessor[],
): { readonly stages: readonly HostStage[]; readonly rest: Selection } {
  const placeOf = (option: string) => PROCESSORS.findIndex((processor) => processor.option === option);
  const part = (from: number, to: number): Selection => ({
    name: `${selection.name}[${from}-${to}]`,
    uses: selection.uses.slice(from, to),
    sample: selection.sample,
  });
  const count = selection.uses.length;
  let start = 0;
  const stages = [...new Set(hosts.map(({ before }) => before))]
    .sort((a, b) => placeOf(a) - placeOf(b))
    .map((before) => {
      const after = selection.uses.findIndex(({ processor }) => placeOf(processor.option) >= placeOf(before));
      const from = start;
      start = after === -1 ? count : after;
      return { selection: part(from, start), hosts: hosts.filter((host) => host.before === before) };
    });
  return { stages, rest: part(start, count) };
}

/** Scores f32[B, V] of rows that the processors may change; rows that only fill the batch stay as they are. */
export function applyHosts(
  hosts: readonly HostProcessor[],
  input_ids: readonly (readonly number[])[],
  scores: Value,
): Value {
  const size = scores.type.shape[1]!;
  const data = floats(scores);
  let rows: readonly Float32Array[] = input_ids.map((_, b) => data.slice(b * size, (b + 1) * size));
  for (const { apply } of hosts) {
    rows = apply(input_ids, rows);
    const fits =
      Array.isArray(rows) && rows.length === input_ids.length && rows.every((row) => row?.length === size);
    if (!fits)
      throw new FusewireError(
        `a logits_processor must return ${input_ids.length} rows of ${size} scores, as it was given`,
      );
  }
  const changed = emptyValue(scores.type);
  changed.data.set(data);
  for (const [b, row] of rows.entries()) changed.data.set(row, b * size);
  return changed;
}
