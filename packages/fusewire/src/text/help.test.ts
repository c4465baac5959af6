import { expect, test } from "vitest";
import { formatItem } from "./help.ts";

test("what a flag means stands beside it, or under a long one, and under every one of a small terminal", () => {
  expect(formatItem("--json", 10, "print one object", 80)).toBe("  --json      print one object");
  expect(formatItem("--json", 10, "print one object", 40)).toBe("  --json\n      print one object");
  const long = `--${"x".repeat(40)}`;
  expect(formatItem(long, long.length, "word ".repeat(12).trim(), 80)).toBe(
    `  ${long}\n${" ".repeat(34)}word word word word word word word word word\n${" ".repeat(34)}word word word`,
  );
  expect(formatItem("--json", 10, "", 80)).toBe("  --json");
});
