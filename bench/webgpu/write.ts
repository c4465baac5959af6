import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { plot } from "./plot.ts";
import type { Figures, Report } from "./report.ts";

/** Prints a report, and keeps it as JSON and as a plot. */
export async function write(report: Report): Promise<void> {
  const lines = (figures: Figures, indent: string) =>
    Object.entries(figures).map(([name, value]) => `${indent}${name.padEnd(30)} ${shown(value)}`);
  console.log(lines(report.about, "").join("\n"));
  for (const [name, figures] of Object.entries(report.contestants))
    console.log([name, ...lines(figures, "  ")].join("\n"));
  const folder = join(fileURLToPath(new URL("../..", import.meta.url)), ".cache", "bench");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `webgpu.${report.bench}`);
  writeFileSync(`${file}.json`, `${JSON.stringify(report, undefined, 2)}\n`);
  writeFileSync(`${file}.svg`, await plot(report));
  console.log(`wrote .cache/bench/webgpu.${report.bench}.json and .svg`);
}

const shown = (value: number | string): string =>
  typeof value === "string" ? value : `${Number(value.toPrecision(4))}`;
