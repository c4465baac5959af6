import { constant, floats, interpret, toValue, trace, type Value } from "@fusewire/ir";
import type { RunPlan } from "../plan.ts";
import { processScores } from "../selection.ts";

/** Options whose processors change scores but ban nothing: running them here would cost as much as a step of a small model. */
const NEVER_BAN: readonly string[] = [
  "repetition_penalty",
  "exponential_decay_length_penalty",
  "remove_invalid_values",
  "renormalize_logits",
];

/**
 * The candidates before the first that the generation's processors ban where it would stand: such a draft can only be
 * wrong (Hugging Face leaves them out too). Runs on the host, and only where a processor may ban something.
 */
export function allowedCandidates(
  plan: Pick<RunPlan, "processorsOf">,
  row: number,
  ids: readonly number[],
  candidates: readonly number[],
  vocabSize: number,
): number[] {
  const { selection, inputs } = plan.processorsOf(row, candidates.length);
  const mayBan = selection.uses.some(({ processor }) => !NEVER_BAN.includes(processor.option));
  if (candidates.length === 0 || !mayBan) return [...candidates];
  const places = candidates.length;
  const width = ids.length + places;
  const vector = (of: (place: number) => number): Value =>
    toValue(
      { dtype: "i32", shape: [places] },
      Array.from({ length: places }, (_, place) => of(place)),
    );
  const module = trace({
    ban: (tracer) => ({
      scores: processScores(tracer, selection, constant(tracer.table, 0, "f32", [places, vocabSize]), {
        ids: tracer.input("ids", { dtype: "i32", shape: [places, width] }),
        lengths: tracer.input("lengths", { dtype: "i32", shape: [places] }),
        keep: 1,
      }),
    }),
  });
  const given: Readonly<Record<string, Value>> = {
    ...inputs,
    ids: toValue(
      { dtype: "i32", shape: [places, width] },
      Array.from({ length: places }, () => [...ids, ...candidates]).flat(),
    ),
    lengths: vector((place) => ids.length + place),
  };
  const scores = floats(interpret(module, "ban", { inputs: (name) => given[name]! }).outputs.get("scores")!);
  const banned = candidates.findIndex(
    (id, place) => scores[place * vocabSize + id] === Number.NEGATIVE_INFINITY,
  );
  return banned === -1 ? [...candidates] : candidates.slice(0, banned);
}
