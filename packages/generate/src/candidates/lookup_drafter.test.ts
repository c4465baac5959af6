import { expect, test } from "vitest";
import { selectionFor } from "../selection.ts";
import { lookupDrafter } from "./lookup_drafter.ts";

const ROW = [1, 2, 9, 5, 1, 2, 7, 3, 1, 2];

/** The drafts of a row under these processors; 2 tokens at most, behind ends of 2 at most. */
async function draftsOf(options: object, eos: readonly number[] = []): Promise<readonly number[]> {
  const plan = {
    rows: [ROW],
    processorsOf: (_row: number, places: number) =>
      selectionFor(
        false,
        { ...options },
        {
          ...{
            batch: places,
            eos: [],
            prompts: new Array<number>(places).fill(ROW.length),
            width: ROW.length,
          },
          maxNew: 10,
        },
      ),
  };
  const drafter = lookupDrafter(plan, { numTokens: 2, maxNgram: 2, method: "ngram", eos }, 20);
  const [draft] = await drafter.propose([{ ids: ROW, room: 10, done: false }]);
  return draft!.tokens;
}

// PromptLookupCandidateGenerator.get_candidates of transformers 5.24 with SuppressTokensLogitsProcessor.
test.each([
  [[], [9, 5]],
  [[5], [9]],
  [[9], [7, 3]],
  [[9, 3], [7]],
  // The longer end is given up for a shorter one, whose first place is the same: 9 once more, then 7, then nothing.
  [[9, 7], []],
])("where %j may not be said the next match is taken: %j", async (suppress_tokens, drafts) => {
  expect(await draftsOf(suppress_tokens.length > 0 ? { suppress_tokens } : {})).toEqual(drafts);
});

test("a match that an end token follows proposes nothing, and no other is looked for", async () => {
  expect(await draftsOf({}, [9])).toEqual([]);
  expect(await draftsOf({}, [5])).toEqual([9]);
});
