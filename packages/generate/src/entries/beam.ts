import {
  add,
  argsort,
  broadcastTo,
  cacheWrite,
  cast,
  concat,
  constant,
  gather,
  iota,
  log,
  mul,
  type Node,
  neg,
  reshape,
  sliceAxis,
  sub,
  type Tracer,
  uniform,
} from "@fusewire/ir";
import { logSoftmax } from "../processors/masks.ts";
import type { ScoreOutput } from "../scores/outputs.ts";
import { processScores, type Selection } from "../selection.ts";
import { endsRow } from "../stopping/ends.ts";
import { type EntryContext, lengthsState } from "./context.ts";
import { currentRows, type Ending, givenScores, nextScores } from "./current.ts";
import { cacheStates } from "./states.ts";
import { topOfRows } from "./top_of_rows.ts";

export interface BeamStep extends Ending {
  readonly selection: Selection;
  /** Beams of each text; they are consecutive rows. */
  readonly beams: number;
  /** Continuations that are considered of each text, at least twice as many as beams. */
  readonly candidates: number;
  /** Tokens that filters must leave. */
  readonly keep: number;
  readonly returns?: readonly Exclude<ScoreOutput, "logprobs">[];
  /** As in `decode`; the scores are then normalised already. */
  readonly given?: boolean;
}

/** What the running beams lose where they have ended, so that all others go before them (Hugging Face's number). */
const ENDED = -1e9;

/** Sums, tokens and rows of continuations, [P, candidates] each. */
type Candidates = [sum: Node, token: Node, source: Node];

/**
 * One step of beam search over P texts of `beams` rows each: decodes the last token of every row, takes the best
 * continuations of each text, or draws them without replacement, and goes on with the best that have not ended, whose
 * caches and ids are copied into their rows. The rows are the whole cache. Inputs beside those of `decode`: sums f32[B], the summed logarithms of
 * each row so far, and where sampling a seed for this step u32[B]. Outputs, each [P, candidates] and best first:
 * token, source (the row it continues), sum, and ended, 1 where an end token or a stop string ends it; and next
 * i32[P, beams], the candidates that go on.
 */
export function beam(
  tracer: Tracer,
  context: EntryContext,
  { selection, beams, candidates, keep, returns = [], given = false, ...ending }: BeamStep,
): Record<string, Node> {
  const { batch, cache } = context;
  const texts = Math.floor(batch / beams);
  const used = texts * beams;
  // The model writes its caches row by row; their new values are kept back until it is known which row goes where.
  const held = new Map<string, Node>();
  const holding: Tracer = { ...tracer, write: (name, value) => void held.set(name, value) };
  const current = currentRows(holding, context);
  const { ids, lengths } = current;
  const logits = given ? givenScores(tracer, context) : nextScores(holding, current);
  const processed = processScores(tracer, selection, given ? logits : logSoftmax(logits), {
    ids,
    lengths,
    keep,
  });
  const sums = add(processed, reshape(tracer.input("sums", { dtype: "f32", shape: [batch] }), [batch, 1]));
  const found = topOfRows(selection.sample ? perturbed(tracer, sums) : sums, sums, candidates);

  // Of a text's rows the best of each, then the best of those; what is equal stays in order.
  const perRow = found.tokens.type.shape[1]!;
  const perText = (x: Node) => reshape(sliceAxis(x, 0, 0, used), [texts, beams * perRow]);
  const pick = (x: Node, order: Node) => gather(x, order, 1);
  const rowNumber = broadcastTo(reshape(iota(tracer.table, batch), [batch, 1]), [batch, perRow]);
  const order = sliceAxis(argsort(perText(found.keys), true), 1, 0, candidates);
  const best = [found.sums, found.tokens, rowNumber].map((x) => pick(perText(x), order)) as Candidates;
  // Draws come in the order of their keys; candidates stand in that of their sums.
  const [sum, token, source] = selection.sample
    ? (best.map((x) => pick(x, argsort(best[0], true))) as Candidates)
    : best;

  const flat = (x: Node) => reshape(x, [texts * candidates]);
  const rowOf = flat(source);
  const eos = tracer.input("eos", { dtype: "i32", shape: [batch, ending.eosCount] });
  const chosen = {
    token: flat(token),
    eos: gather(eos, rowOf),
    ids: gather(ids, rowOf),
    lengths: gather(lengths, rowOf),
  };
  const ended = reshape(endsRow(tracer, chosen, ending.stops), [texts, candidates]);
  const running = add(sum, mul(cast(ended, "f32"), ENDED));
  const next = sliceAxis(argsort(running, true), 1, 0, beams);

  // Rows that belong to no text keep what they have.
  const placed = (x: Node, rest: Node) => withRest(reshape(pick(x, next), [used]), rest, batch);
  const rowNumbers = iota(tracer.table, batch);
  const from = placed(source, rowNumbers);
  const added = placed(token, constant(tracer.table, 0, "i32", [batch]));
  const ones = constant(tracer.table, 1, "i32", [batch]);
  const moved = gather(ids, from);
  tracer.write("ids", cacheWrite(moved, rowNumbers, lengths, ones, reshape(added, [batch, 1]), 1));
  tracer.write("lengths", add(lengthsState(tracer, cache), 1));
  for (const { name, type } of cacheStates(context))
    tracer.write(name, gather(held.get(name) ?? tracer.state(name, type), from));
  const all = { scores: processed, logits };
  return {
    token,
    source,
    sum,
    ended,
    next,
    ...Object.fromEntries(returns.map((name) => [name, all[name]])),
  };
}

/**
 * Sums with Gumbel noise: the largest of them are draws without replacement from the softmax of the sums (Kool et al.
 * 2019), which is how Hugging Face draws beams.
 */
function perturbed(tracer: Tracer, sums: Node): Node {
  const [batch, vocabulary] = sums.type.shape as readonly [number, number];
  const seed = reshape(tracer.input("seed", { dtype: "u32", shape: [batch] }), [batch, 1]);
  const token = iota(tracer.table, vocabulary);
  const u = uniform(
    broadcastTo(seed, [batch, vocabulary]),
    broadcastTo(reshape(token, [1, vocabulary]), [batch, vocabulary]),
    "beam",
  );
  return sub(sums, log(neg(log(u))));
}

/** The rows x, then those of `rest` that are left of `batch`. */
const withRest = (x: Node, rest: Node, batch: number): Node => {
  const used = x.type.shape[0]!;
  return used === batch ? x : concat([x, sliceAxis(rest, 0, used, batch - used)], 0);
};
