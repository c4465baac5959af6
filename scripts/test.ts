// `pnpm test` and `pnpm test:long`: every check, one after another. Further arguments go to vitest.

import { runSteps } from "./steps.ts";

const [kind, ...rest] = process.argv.slice(2);
const more = rest.map((argument) => ` "${argument}"`).join("");

process.exitCode =
  kind === "long"
    ? runSteps("long", [["vitest", `vitest run --project long${more}`]])
    : runSteps("test", [
        ["typecheck", "pnpm run typecheck"],
        ["lint", "pnpm run lint"],
        ["imports", "pnpm run check:imports"],
        ["vitest", `vitest run --project unit --project waiting --project whole${more}`],
      ]);
