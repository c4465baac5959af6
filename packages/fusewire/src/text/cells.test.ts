import { expect, test } from "vitest";
import { cellsOf, printable, shorten } from "./cells.ts";

test("columns as a terminal counts them", () => {
  expect(["abc", "日本", "e\u0301", "🙂", "…", ""].map(cellsOf)).toEqual([3, 4, 1, 2, 1, 0]);
});

test("control characters are dropped, line breaks and tabs stay", () => {
  expect(printable("a\u001b[31mb\r\u0007\u009b1m\n\tc")).toBe("a[31mb1m\n\tc");
});

test("a text is cut to its columns, never inside a wide character", () => {
  expect(shorten("four", 4)).toBe("four");
  expect(shorten("fives", 4)).toBe("fiv…");
  expect(shorten("日本語", 4)).toBe("日…");
});
