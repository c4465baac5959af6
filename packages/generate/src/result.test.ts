import { expect, test } from "vitest";
import { collect, emptyCollection, joinSequences, tokenStats } from "./result.ts";

test("a row that was stopped gains nothing more, while the others go on", () => {
  const made = emptyCollection(2);
  const first = collect(made, { tokens: [1, 2], logprobs: [-1, -2] }, [false, false], 5);
  expect(first).toEqual({ tokens: [1, 2], logprobs: [-1, -2] });
  const second = collect(made, { tokens: [3, 4], logprobs: [-3, -4] }, [true, false], 9);
  expect(second).toEqual({ tokens: [undefined, 4], logprobs: [undefined, -4] });
  // A step in which no row that goes on gained a token is no step of the text.
  const third = collect(made, { tokens: [5, undefined], logprobs: [-5, undefined] }, [true, false], 12);
  expect(third.tokens).toEqual([undefined, undefined]);
  expect(made.tokens).toEqual([[1], [2, 4]]);
  expect(made.logprobs).toEqual([[-1], [-2, -4]]);
  expect(made.times).toEqual([5, 9]);
});

test("sequences are padded to the longest, behind the input as it was", () => {
  expect(
    joinSequences(
      [
        [0, 7],
        [8, 9],
      ],
      [[1], [2, 3, 4]],
      0,
    ),
  ).toEqual([
    [0, 7, 1, 0, 0],
    [8, 9, 2, 3, 4],
  ]);
});

test("tokens a second count those behind the first of each row", () => {
  const times = { started: 1000, firstToken: 1500, ended: 3500 };
  expect(tokenStats([[1, 2], [3]], [[1, 2, 3], [4, 5], []], times)).toEqual({
    prompt_tokens: 3,
    new_tokens: 5,
    time_to_first_token_ms: 500,
    tokens_per_second: 1.5,
  });
  expect(tokenStats([[1]], [[1]], times).tokens_per_second).toBe(0);
});
