import {
  add,
  and,
  cast,
  categorical,
  concat,
  cumsum,
  eq,
  gather,
  iota,
  le,
  log,
  lt,
  max,
  min,
  mul,
  type Node,
  reduceSum,
  reshape,
  sliceAxis,
  softmax,
  sub,
  type Tracer,
  uniform,
  where,
} from "@fusewire/ir";

/** What became of drafts i32[B, T-1], of which the first drafted[b] count. */
export interface Acceptance {
  /** i32[B]: how many are right, from the first on. */
  readonly matched: Node;
  /** i32[B, T]: the right drafts, and behind them the model's own next token. What follows means nothing. */
  readonly tokens: Node;
}

/** Drafts that are certain: one is right while it equals the token `chosen` i32[B, T] by the model in its place. */
export function acceptEqual(drafts: Node, drafted: Node, chosen: Node): Acceptance {
  const count = drafts.type.shape[1]!;
  return { matched: countRight(eq(drafts, sliceAxis(chosen, 1, 0, count)), drafted), tokens: chosen };
}

/** What the drafts were drawn from and where. */
export interface SampledDrafts {
  readonly drafts: Node;
  readonly drafted: Node;
  /** f32[B, T-1, V]: the distribution that each draft was drawn from. */
  readonly draftProbabilities: Node;
  /** f32[B, T, V]: the model's scores after processing. */
  readonly processed: Node;
  /** i32[B]: tokens of each row before the drafts. */
  readonly lengths: Node;
}

/**
 * Drafts x drawn from q: each is right with probability min(1, p(x)/q(x)), and behind the first wrong one the next
 * token is drawn from max(p - q, 0), normalised; behind all of them from p. The tokens then follow p exactly (Leviathan
 * et al. 2022, algorithm 1; Hugging Face _speculative_sampling).
 */
export function acceptByRatio(
  tracer: Tracer,
  { drafts, drafted, draftProbabilities, processed, lengths }: SampledDrafts,
): Acceptance {
  const { table } = tracer;
  const [batch, length, vocabulary] = processed.type.shape as readonly [number, number, number];
  const count = length - 1;
  const column = (x: Node) => reshape(x, [batch, 1]);
  const seeds = reshape(tracer.input("seed", { dtype: "u32", shape: [batch * length] }), [batch, length]);
  const place = iota(table, length);

  const p = softmax(processed);
  const of = (probabilities: Node) =>
    reshape(
      gather(reshape(probabilities, [batch * count, vocabulary]), reshape(drafts, [batch * count, 1]), 1),
      [batch, count],
    );
  const u = uniform(
    reshape(sliceAxis(seeds, 1, 0, count), [batch, count]),
    add(column(lengths), sliceAxis(place, 0, 0, count)),
    "accept",
  );
  // u <= p/q without dividing.
  const accepted = le(mul(u, of(draftProbabilities)), of(sliceAxis(p, 1, 0, count)));
  const matched = countRight(accepted, drafted);

  const at = (rows: Node, index: Node) => reshape(gather(rows, column(index), 1), [batch, vocabulary]);
  const pNext = at(p, matched);
  const qNext = at(draftProbabilities, min(matched, count - 1));
  const rejected = lt(matched, drafted);
  const residual = max(sub(pNext, qNext), 0);
  // Where p and q differ by rounding alone nothing may be left of p - q; it then stands for p.
  const some = lt(0, reshape(reduceSum(residual), [batch, 1]));
  const next = where(and(column(rejected), some), residual, pNext);
  const seed = reshape(sliceAxis(seeds, 1, 0, 1), [batch]);
  const position = add(lengths, matched);
  const drawn = categorical(
    where(lt(0, next), log(next), Number.NEGATIVE_INFINITY),
    where(rejected, uniform(seed, position, "residual"), uniform(seed, position, "choose")),
  );
  const tokens = where(lt(place, column(matched)), concat([drafts, column(drawn)], 1), column(drawn));
  return { matched, tokens };
}

/** i32[B]: how many of the drafts are right before the first that is not. */
function countRight(right: Node, drafted: Node): Node {
  const [batch, count] = right.type.shape as readonly [number, number];
  const counts = and(right, lt(iota(right.table, count), reshape(drafted, [batch, 1])));
  // Where the running count of wrong ones is 0.
  const wrongSoFar = cumsum(sub(1, cast(counts, "i32")), 1);
  return reshape(reduceSum(cast(eq(wrongSoFar, 0), "i32")), [batch]);
}
