import { describe, expect, test } from "vitest";
import { toRows } from "./rows.ts";

describe("padded batches become rows", () => {
  test("pads left, right or none", () => {
    const { rows, starts, width } = toRows(
      {
        input_ids: [
          [0, 0, 5],
          [6, 7, 0],
          [1, 2, 3],
        ],
        attention_mask: [
          [0, 0, 1],
          [1, 1, 0],
          [1, 1, 1],
        ],
      },
      10,
    );
    expect(rows).toEqual([[5], [6, 7], [1, 2, 3]]);
    expect(starts).toEqual([2, 0, 0]);
    expect(width).toBe(3);
  });

  test("pads in the midst, where a text that had ended is gone on with", () => {
    const { rows, starts } = toRows(
      { input_ids: [[0, 5, 2, 0, 6, 7, 0]], attention_mask: [[0, 1, 1, 0, 1, 1, 0]] },
      10,
    );
    expect(rows).toEqual([[5, 2, 6, 7]]);
    expect(starts).toEqual([2]);
  });

  test.each([
    [{ input_ids: [] }, "input_ids is empty"],
    [{ input_ids: [[]] }, "input_ids is empty"],
    [{ input_ids: [[1, 2], [3]] }, "the rows of input_ids have different lengths (2, 1); pad them"],
    [{ input_ids: [[1, 10]] }, "row 0 of input_ids holds 10, which is outside the vocabulary 0 to 9"],
    [{ input_ids: [[1, -1]] }, "row 0 of input_ids holds -1"],
    [{ input_ids: [[1, 1.5]] }, "row 0 of input_ids holds 1.5"],
    [{ input_ids: [[1, 2]], attention_mask: [[1]] }, "attention_mask has rows of 1, input_ids of 2"],
    [{ input_ids: [[1, 2]], attention_mask: [[1, 2]] }, "attention_mask holds 2; it may hold only 0 and 1"],
    [{ input_ids: [[1, 2]], attention_mask: [[0, 0]] }, "row 0 of attention_mask is all pads"],
  ])("%j is refused", (inputs, message) => {
    expect(() => toRows(inputs, 10)).toThrow(message);
  });
});
