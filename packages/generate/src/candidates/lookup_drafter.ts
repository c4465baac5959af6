import type { RunPlan } from "../plan.ts";
import { allowedCandidates } from "./allowed.ts";
import type { Drafter } from "./drafter.ts";
import { type PromptLookupOptions, promptLookup } from "./prompt_lookup.ts";

/** Drafts by prompt lookup. */
export const lookupDrafter = (plan: RunPlan, lookup: PromptLookupOptions, vocabSize: number): Drafter => ({
  propose: async (rows) =>
    rows.map(({ ids, room, done }, b) => ({
      tokens: done ? [] : allowedCandidates(plan, b, ids, promptLookup(ids, room, lookup), vocabSize),
    })),
  settle: () => undefined,
});
