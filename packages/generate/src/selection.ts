import { argmax, categorical, type Node, reshape, type Tracer, uniform } from "@fusewire/ir";
import { PROCESSORS } from "./processors/index.ts";
import type { Processor, ScoreContext } from "./processors/processor.ts";

/** How the next token is chosen from scores. Part of an entry's key: each selection is compiled once. */
export interface Selection {
  readonly name: string;
  readonly processors: readonly Processor[];
  readonly sample: boolean;
}

/**
 * The selection for a set of options: `greedy`; `sample`, which takes every processor with neutral values for what
 * is not asked for; or greedy after the processors that are in use.
 */
export function selectionFor(doSample: boolean, inUse: (processor: Processor) => boolean): Selection {
  if (doSample) return { name: "sample", processors: PROCESSORS, sample: true };
  const processors = PROCESSORS.filter((processor) => !processor.samplingOnly && inUse(processor));
  return { name: ["greedy", ...processors.map(({ option }) => option)].join("+"), processors, sample: false };
}

/** The next token of each row, i32[B], from scores f32[B, V]. Options are inputs of the entry, one value a row. */
export function select(tracer: Tracer, selection: Selection, scores: Node, context: ScoreContext): Node {
  const batch = scores.type.shape[0]!;
  return tracer.scope(selection.name, () => {
    let processed = scores;
    for (const { option, dtype, apply } of selection.processors)
      processed = apply(processed, tracer.input(option, { dtype, shape: [batch] }), context);
    if (!selection.sample) return reshape(argmax(processed), [batch]);
    const seed = tracer.input("seed", { dtype: "u32", shape: [batch] });
    // The position of the token that is drawn: the same in any batch and for any number of steps a submit.
    return categorical(processed, uniform(seed, context.lengths, "choose"));
  });
}
