import { wrap } from "../text/wrap.ts";
import type { MemoryRow } from "./table.ts";

/** The rows as a table that fits 40 columns: GiB (2^30 bytes), the sum also in GB (10^9), or MiB and MB of small models. */
export function memoryTable(rows: readonly MemoryRow[], width: number): string[] {
  const large = rows.some(({ total }) => total >= 2 ** 30);
  const [binary, decimal, names] = large ? [2 ** 30, 1e9, ["GiB", "GB"]] : [2 ** 20, 1e6, ["MiB", "MB"]];
  const cells = (...texts: readonly string[]) => texts.map((text) => text.padStart(8)).join("");
  const lines: string[] = [];
  for (const device of new Set(rows.map((row) => row.device))) {
    lines.push(`${device.padEnd(8)}${cells("weights", "cache", "total", "")}`);
    lines.push(`${"".padEnd(8)}${cells(names[0]!, names[0]!, names[0]!, names[1]!)}`);
    for (const { dtype, weights, cache, total, refused } of rows.filter((row) => row.device === device)) {
      const figures = [weights / binary, cache / binary, total / binary, total / decimal];
      lines.push(`${dtype.padEnd(8)}${cells(...figures.map((figure) => figure.toFixed(2)))}`);
      if (refused !== undefined) lines.push(...wrap(`  does not fit: ${refused}`, width, "    ").split("\n"));
    }
  }
  return lines;
}
