import type { RunPlan } from "../plan.ts";
import { allowedCandidates } from "./allowed.ts";
import type { Drafter } from "./drafter.ts";
import { type Lookup, type LookupOptions, ngramLookup, promptLookup, suffixLookup } from "./prompt_lookup.ts";

/** Drafts by prompt lookup. */
export function lookupDrafter(
  plan: Pick<RunPlan, "rows" | "processorsOf">,
  options: LookupOptions,
  vocabSize: number,
): Drafter {
  const lookups = plan.rows.map(() => lookupBy(options));
  return {
    propose: async (rows) =>
      rows.map(({ ids, room, done }, b) => ({
        tokens: done
          ? []
          : promptLookup(lookups[b]!(ids, room), options.eos, (candidates) =>
              allowedCandidates(plan, b, ids, candidates, vocabSize),
            ),
      })),
    settle: () => undefined,
  };
}

function lookupBy(options: LookupOptions): Lookup {
  switch (options.method) {
    case "ngram":
      return (ids, room) => ngramLookup(ids, room, options);
    case "suffix":
      return suffixLookup(options);
  }
}
