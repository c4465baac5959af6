import {
  add,
  and,
  broadcastTo,
  cacheWrite,
  cast,
  constant,
  cumsum,
  eq,
  gather,
  iota,
  le,
  lt,
  max,
  min,
  mul,
  type Node,
  reduceMax,
  reduceSum,
  reshape,
  sub,
  type Tracer,
} from "@fusewire/ir";
import { stepAt } from "@fusewire/models";
import { processScores, type Selection, select } from "../selection.ts";
import { endsRow } from "../stopping/ends.ts";
import { type Acceptance, acceptByRatio, acceptEqual } from "./accept.ts";
import { doneState, type EntryContext, idsState, layerContext, lengthsState, rowsInput } from "./context.ts";
import type { Ending } from "./current.ts";

/**
 * How drafts were made: `certain` ones were not drawn from any distribution, `sampled` ones were drawn from the
 * probabilities that come with them.
 */
export type DraftKind = "certain" | "sampled";

export interface Verification extends Ending {
  readonly length: number;
  readonly selection: Selection;
  readonly drafts: DraftKind;
}

/**
 * Checks drafted tokens in one step of `length` tokens a row: the row's last one and up to length - 1 drafts; those
 * that are right are appended, and behind them a token of the model's own. Inputs beside those of `decode`: drafts
 * i32[B, T-1], drafted i32[B], how many of them count, and for sampled ones draft_probabilities f32[B, T-1, V]. The
 * selection works on B·T rows. Outputs: tokens i32[B, T], of which the first count[b] were appended, matched i32[B],
 * the drafts among them, and done i32[B].
 */
export function verify(
  tracer: Tracer,
  context: EntryContext,
  { length, selection, eosCount, stops, drafts: kind }: Verification,
): Record<string, Node> {
  const { cache, batch, model } = context;
  const layers = layerContext(tracer, context);
  const rows = rowsInput(tracer, batch);
  const vector = (name: string) => tracer.input(name, { dtype: "i32", shape: [batch] });
  const asColumn = (x: Node) => reshape(x, [batch, 1]);
  const zeros = constant(tracer.table, 0, "i32", [batch]);
  const lengthsOfAll = lengthsState(tracer, cache);
  const doneOfAll = doneState(tracer, cache);
  const lengths = reshape(gather(lengthsOfAll, rows), [batch]);
  const doneBefore = reshape(gather(doneOfAll, rows), [batch]);
  const active = sub(constant(tracer.table, 1, "i32"), doneBefore);

  const drafts = tracer.input("drafts", { dtype: "i32", shape: [batch, length - 1] });
  const drafted = mul(vector("drafted"), active);
  const withDrafts = cacheWrite(idsState(tracer, cache), rows, lengths, drafted, drafts, 1);
  const ids = gather(withDrafts, rows);
  const step = stepAt(cache, length, { rows, at: sub(lengths, 1), count: mul(add(drafted, 1), active) });
  const hidden = model.decode(layers, gather(ids, step.positions, 1), step);
  const places = batch * length;
  const scores = reshape(model.head(layers, hidden), [places, model.vocabSize]);
  // The place after t drafts sees a row that is t tokens longer.
  const place = iota(tracer.table, length);
  const scoreContext = {
    ids: reshape(broadcastTo(reshape(ids, [batch, 1, cache.capacity]), [batch, length, cache.capacity]), [
      places,
      cache.capacity,
    ]),
    lengths: reshape(add(asColumn(lengths), place), [places]),
    keep: 1,
  };
  const accept = (): Acceptance => {
    switch (kind) {
      case "certain": {
        // Chosen as `decode` would choose it, with the same random number: a seed gives the tokens it gives without drafts.
        const { token } = select(tracer, selection, scores, scoreContext);
        return acceptEqual(drafts, drafted, reshape(token, [batch, length]));
      }
      case "sampled": {
        const shape = [batch, length - 1, model.vocabSize];
        return acceptByRatio(tracer, {
          drafts,
          drafted,
          draftProbabilities: tracer.input("draft_probabilities", { dtype: "f32", shape }),
          processed: reshape(processScores(tracer, selection, scores, scoreContext), [
            batch,
            length,
            model.vocabSize,
          ]),
          lengths,
        });
      }
    }
  };
  const { matched, tokens } = accept();

  const limit = vector("limit");
  const eos = tracer.input("eos", { dtype: "i32", shape: [batch, eosCount] });
  const atPlaces = (x: Node) => {
    const size = x.type.shape[1]!;
    return reshape(broadcastTo(reshape(x, [batch, 1, size]), [batch, length, size]), [places, size]);
  };
  const chosen = {
    token: reshape(tokens, [places]),
    eos: atPlaces(eos),
    ids: scoreContext.ids,
    lengths: scoreContext.lengths,
  };
  const ends = reshape(endsRow(tracer, chosen, stops), [batch, length]);
  const endsBefore = sub(cumsum(ends, 1), ends);
  const kept = and(
    and(le(place, asColumn(matched)), eq(endsBefore, 0)),
    lt(add(asColumn(lengths), place), asColumn(limit)),
  );
  const count = mul(reshape(reduceSum(cast(kept, "i32")), [batch]), active);
  const ended = reshape(reduceMax(mul(ends, cast(kept, "i32"))), [batch]);
  const full = cast(le(limit, add(lengths, count)), "i32");
  const done = max(doneBefore, max(ended, full));

  const set = (state: Node, value: Node) => cacheWrite(state, rows, zeros, active, asColumn(value), 1);
  tracer.write("ids", cacheWrite(withDrafts, rows, lengths, count, tokens, 1));
  tracer.write("lengths", set(lengthsOfAll, add(lengths, count)));
  tracer.write("done", set(doneOfAll, done));
  // The last token appended is the model's own, also where the row ended before a choice of its own was needed.
  return { tokens, count, matched: min(matched, max(sub(count, 1), zeros)), done };
}
