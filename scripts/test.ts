// `pnpm test` and `pnpm test:long`: every check, one after another. Further arguments go to vitest.

import { runSteps } from "./steps.ts";

const [kind, ...rest] = process.argv.slice(2);
const more = rest.map((argument) => ` "${argument}"`).join("");

const ABOUT = {
  long: "test:long: pages in browsers, packed packages, many loads. It takes long, on two cores more than half an hour.",
  test: "test: types, lint, imports, then every test. It takes about ten minutes on two cores; test:quick runs the unit tests alone, in some minutes.",
} as const;

process.stdout.write(`${kind === "long" ? ABOUT.long : ABOUT.test}\n`);
process.exitCode =
  kind === "long"
    ? runSteps("long", [["vitest", `vitest run --project long${more}`]])
    : runSteps("test", [
        ["typecheck", "pnpm run typecheck"],
        ["lint", "pnpm run lint"],
        ["imports", "pnpm run check:imports"],
        ["vitest", `vitest run --project unit --project waiting --project whole${more}`],
      ]);
