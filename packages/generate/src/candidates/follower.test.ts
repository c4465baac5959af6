import fc from "fast-check";
import { expect, test } from "vitest";
import { followerOf, hiddenBefore, hide, nextRun, settle, unkept } from "./follower.ts";

const PAD = 0;
const tokens = (maxLength: number) => fc.array(fc.nat(2), { minLength: 1, maxLength });

/** A cache, by slots, of which an entry names the text that its keys and values were made of. */
const keyOf = (ids: readonly number[], at: number) => `${at} of ${ids.slice(0, at + 1)}`;

test("keys of all tokens that are seen lie side by side, whatever was drafted, right or hidden", () => {
  fc.assert(
    fc.property(
      tokens(4),
      fc.array(fc.record({ drafts: tokens(5), right: fc.nat(5), own: fc.nat(2) }), { maxLength: 8 }),
      (prompt, rounds) => {
        const follower = followerOf(prompt.length);
        const slots = prompt.slice(0, -1).map((_, at) => keyOf(prompt, at));
        let ids = prompt;
        for (const { drafts, right, own } of rounds) {
          hide(follower, ids, PAD);
          follower.known = ids.length;
          for (
            let run = nextRun(follower, ids.length - 1);
            run > 0;
            run = nextRun(follower, ids.length - 1)
          ) {
            const gap = hiddenBefore(follower);
            for (const end = follower.cached + run; follower.cached < end; follower.cached++)
              slots[follower.cached - gap] = keyOf(ids, follower.cached);
          }
          const seen = Array.from(ids.slice(0, -1), (_, at) => at).filter(
            (at) => at < prompt.length || ids[at] !== PAD,
          );
          expect(slots.slice(0, seen.length)).toEqual(seen.map((at) => keyOf(ids, at)));

          const drafted = [...ids, ...drafts];
          for (let step = 0; step < drafts.length; step++) {
            const at = ids.length - 1 + step;
            if (at > unkept(follower)) slots[at - follower.hidden.length] = keyOf(drafted, at);
          }
          follower.steps = drafts.length;
          const accepted = Math.min(right, drafts.length);
          settle(follower, accepted);
          ids = [...ids, ...drafts.slice(0, accepted), own];
        }
      },
    ),
  );
});

test("a last token that is hidden is not kept, and one that is seen is", () => {
  const follower = followerOf(1);
  hide(follower, [5, PAD], PAD);
  follower.known = 2;
  expect(unkept(follower)).toBe(1);
  hide(follower, [5, PAD, 6], PAD);
  follower.known = 3;
  expect([unkept(follower), follower.hidden]).toEqual([-1, [1]]);
});
