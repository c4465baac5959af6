/** The embedded model predicts held-out stories as well as where it was trained, and fewer bits cost little of that. */
import { readFileSync } from "node:fs";
import { embeddedModel } from "@fusewire/models/node";
import { expect, test } from "vitest";
import { measureQuality, QUALITY_CASES } from "../bench/quality/measure.ts";
import { readGolden } from "./support/read.ts";
import { describeShared } from "./support/shared.ts";

describeShared("held-out loss of tales", ["data/tinystories/tinystories_val.txt"], (path) => {
  test("near that of the whole text, and little more with fewer bits", async () => {
    const directory = embeddedModel("tales");
    const quality = readGolden<{ tales: { stories_val: { nats_per_token: number } } }>(
      `${directory}/quality.json`,
    );
    const text = readFileSync(path, "utf8");
    const cases = ["float32", "q8", "q4", "cache int8"].map(
      (name) => QUALITY_CASES.find((one) => one.name === name)!,
    );
    const rows = await measureQuality(directory, text, 8, cases);
    expect(rows.filter(({ added, limit }) => added > limit)).toEqual([]);
    // Rounding shows in all but the first: otherwise a case measures what another does.
    expect(
      rows
        .slice(1)
        .filter(({ added }) => added === 0)
        .map(({ name }) => name),
    ).toEqual([]);
    // A sample of a tenth: its mean varies by some hundredths.
    expect(Math.abs(rows[0]!.nats_per_token - quality.tales.stories_val.nats_per_token)).toBeLessThan(0.15);
  });
});
