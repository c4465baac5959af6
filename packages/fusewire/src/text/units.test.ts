import { expect, test } from "vitest";
import { formatBytes, formatNumber, plural } from "./units.ts";

test("numbers as people read them", () => {
  expect([0, 999, 1000, 25_600, 8_200_000, 3e12].map(formatBytes)).toEqual([
    "0 bytes",
    "999 bytes",
    "1.00 kB",
    "25.6 kB",
    "8.20 MB",
    "3.00 TB",
  ]);
  expect([0.123, 12.34, 123.4].map(formatNumber)).toEqual(["0.12", "12.3", "123"]);
  expect([plural(1, "token"), plural(0, "token"), plural(2, "launch", "launches")]).toEqual([
    "1 token",
    "0 tokens",
    "2 launches",
  ]);
});
