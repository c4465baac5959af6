import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Prints figures and keeps them as JSON beside those of other benches. */
export function report(name: string, figures: Readonly<Record<string, number | string | boolean>>): void {
  for (const [figure, value] of Object.entries(figures))
    console.log(`${figure.padEnd(32)} ${typeof value === "number" ? Number(value.toPrecision(4)) : value}`);
  const folder = join(fileURLToPath(new URL("../..", import.meta.url)), ".cache", "bench");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `webgpu.${name}.json`), JSON.stringify(figures, undefined, 2));
}
