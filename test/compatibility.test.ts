/**
 * The tables of docs/compatibility.md are those that validation uses. They stand between marks in the page;
 * `FUSEWIRE_RENEW=1 vitest run test/compatibility.test.ts` writes them anew.
 */
import { readFileSync, writeFileSync } from "node:fs";
import {
  CACHE_COMPAT,
  type CompatArgument,
  FORWARD_OPTIONS,
  FROM_PRETRAINED_COMPAT,
  GENERATE_COMPAT,
  OPTIONS,
} from "@fusewire/generate";
import { expect, test } from "vitest";
import { PRETRAINED_OPTIONS } from "../packages/fusewire/src/pretrained_options.ts";

const PAGE = new URL("../docs/compatibility.md", import.meta.url);

const row = (name: string, meaning: string) => `| \`${name}\` | ${meaning} |`;

const compatRows = (table: Readonly<Record<string, CompatArgument>>): string[] =>
  Object.entries(table).map(([name, { meaning, accepts = [] }]) =>
    row(
      name,
      accepts.length === 0
        ? `refused: ${meaning}`
        : `accepts ${accepts.map((value) => `\`${JSON.stringify(value)}\``).join(", ")}: ${meaning}`,
    ),
  );

const TABLES: Readonly<Record<string, readonly string[]>> = {
  generate: [
    ...Object.entries(OPTIONS).map(([name, { allowed, sampling }]) =>
      row(name, `${allowed}${sampling ? "; with do_sample" : ""}`),
    ),
    ...compatRows(GENERATE_COMPAT),
  ],
  forward: Object.entries(FORWARD_OPTIONS).map(([name, meaning]) => row(name, meaning)),
  caches: compatRows(CACHE_COMPAT),
  from_pretrained: [
    ...Object.entries(PRETRAINED_OPTIONS).map(([name, meaning]) => row(name, meaning)),
    ...compatRows(FROM_PRETRAINED_COMPAT),
  ],
};

test.each(Object.entries(TABLES))("docs/compatibility.md has the table of %s", (name, rows) => {
  const table = `${["| argument | |", "|---|---|", ...rows].join("\n")}\n`;
  const marks = new RegExp(`(?<=<!-- table ${name} -->\\n).*?(?=<!-- end -->)`, "s");
  const page = readFileSync(PAGE, "utf8");
  if (process.env.FUSEWIRE_RENEW === "1")
    return writeFileSync(
      PAGE,
      page.replace(marks, () => table),
    );
  expect(marks.exec(page)?.[0]).toBe(table);
});
