import {
  argmax,
  categorical,
  eq,
  type Node,
  reshape,
  type Stream,
  type TensorType,
  type Tracer,
  uniform,
  type Value,
  where,
} from "@fusewire/ir";
import { PROCESSORS } from "./processors/index.ts";
import type { EncodeContext, Processor, ScoreContext } from "./processors/processor.ts";

/** A processor's part in a program. */
interface Use {
  readonly processor: Processor;
  /** Names and types of its data; other shapes make another program. */
  readonly inputs: readonly (readonly [name: string, type: TensorType])[];
  readonly fixed: number | undefined;
}

/** How the next token is chosen from scores. Part of an entry's key: each selection is compiled once. */
export interface Selection {
  readonly name: string;
  readonly uses: readonly Use[];
  /** By row: the input do_sample i32[B] is 0 for rows that take the best score. */
  readonly sample: boolean | "by row";
}

/** A selection and the data that one run of it takes. */
export interface EncodedSelection {
  readonly selection: Selection;
  readonly inputs: Readonly<Record<string, Value>>;
}

/**
 * The selection for a set of options: `greedy` or `sample`, the latter with every processor that has a neutral value,
 * so that no change of those compiles anything; then whatever else is in use.
 */
export function selectionFor(
  sample: boolean,
  options: Readonly<Record<string, unknown>>,
  context: EncodeContext,
): EncodedSelection {
  const uses: Use[] = [];
  const extras: string[] = [];
  const inputs: Record<string, Value> = {};
  for (const processor of PROCESSORS) {
    const { option, neutral, samplingOnly } = processor;
    const value = options[option] ?? neutral;
    const standard = sample && neutral !== undefined;
    if (value === undefined || value === null || (samplingOnly && !sample)) continue;
    if (!standard && value === neutral) continue;
    const encoded = processor.encode(value, context);
    if (!encoded) continue;
    const named = Object.entries(encoded.inputs);
    for (const [name, data] of named) inputs[inputName(option, name)] = data;
    uses.push({ processor, inputs: named.map(([name, { type }]) => [name, type]), fixed: encoded.fixed });
    if (!standard) extras.push(describe(option, named, encoded.fixed, context.batch));
  }
  const name = [sample ? "sample" : "greedy", ...extras].join("+");
  return { selection: { name, uses, sample }, inputs };
}

/** The plain selection, greedy or sampling, of programs that are made before anyone asks. */
export const standardSelection = (sample: boolean, batch = 1): Selection =>
  selectionFor(sample, {}, { batch, eos: [], prompts: [], width: 0, maxNew: 0 }).selection;

/**
 * The selection of rows that each have options of their own, as data of the processors that have a neutral value; a
 * row that does not sample takes the best of its scores.
 */
export const selectionByRow = (batch: number): Selection => ({
  ...standardSelection(true, batch),
  name: "sample_by_row",
  sample: "by row",
});

/** The option, and of its data what the program is built for: `bad_words_ids[8x2]`, `no_repeat_ngram_size=3`. */
function describe(
  option: string,
  inputs: readonly (readonly [string, Value])[],
  fixed: number | undefined,
  batch: number,
): string {
  const shapes = inputs
    .map(([, { type }]) => type.shape)
    .filter((shape) => shape.length !== 1 || shape[0] !== batch)
    .map((shape) => shape.join("x"));
  return `${option}${fixed === undefined ? "" : `=${fixed}`}${shapes.length > 0 ? `[${shapes.join(",")}]` : ""}`;
}

const inputName = (option: string, name: string): string => (name === "value" ? option : `${option}.${name}`);

/** The scores f32[B, V] after the selection's processors, whose data are inputs of the entry. */
export function processScores(
  tracer: Tracer,
  selection: Selection,
  scores: Node,
  context: ScoreContext,
): Node {
  return selection.uses.reduce((processed, { processor, inputs, fixed }) => {
    const leaves = inputs.map(([name, type]) => [
      name,
      tracer.input(inputName(processor.option, name), type),
    ]);
    return processor.apply(processed, Object.fromEntries(leaves), context, fixed ?? 0);
  }, scores);
}

/** The next token of each row, i32[B], from scores f32[B, V], and the scores that it was chosen by. Drafts are drawn from a stream of their own. */
export function select(
  tracer: Tracer,
  selection: Selection,
  scores: Node,
  context: ScoreContext,
  stream: Stream = "choose",
): { readonly token: Node; readonly processed: Node } {
  const batch = scores.type.shape[0]!;
  return tracer.scope(selection.name, () => {
    const processed = processScores(tracer, selection, scores, context);
    const best = reshape(argmax(processed), [batch]);
    if (!selection.sample) return { token: best, processed };
    const seed = tracer.input("seed", { dtype: "u32", shape: [batch] });
    // The position of the token that is drawn: the same in any batch and for any number of steps a submit.
    const drawn = categorical(processed, uniform(seed, context.lengths, stream));
    if (selection.sample === true) return { token: drawn, processed };
    const samples = tracer.input("do_sample", { dtype: "i32", shape: [batch] });
    return { token: where(eq(samples, 0), best, drawn), processed };
  });
}
