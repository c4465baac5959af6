// Reference data too big to commit. It lives in a folder beside the repository, or where $FUSEWIRE_SHARED says.

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, test } from "vitest";

const root =
  process.env.FUSEWIRE_SHARED || resolve(fileURLToPath(new URL("../../..", import.meta.url)), "shared");

/** Path of shared data, or undefined where this machine has none. */
export function sharedPath(...segments: string[]): string | undefined {
  const path = join(root, ...segments);
  return existsSync(path) ? path : undefined;
}

/**
 * `describe` for tests that need shared data; `needs` are paths inside the shared folder, and `body` is given where
 * they are, in order. Where one is missing the tests are skipped with the reason in the name; under CI they fail,
 * because there a skip would go unseen.
 */
export function describeShared<const Needs extends readonly string[]>(
  name: string,
  needs: Needs,
  body: (...paths: { [K in keyof Needs]: string }) => void,
): void {
  const missing = needs.filter((need) => sharedPath(need) === undefined);
  if (missing.length === 0) {
    describe(name, () => body(...(needs.map((need) => join(root, need)) as { [K in keyof Needs]: string })));
    return;
  }
  const reason = `needs shared ${missing.join(", ")}`;
  if (process.env.CI) {
    describe(name, () => {
      test(reason, () => {
        throw new Error(`${reason}: not found in ${root}; set FUSEWIRE_SHARED`);
      });
    });
  } else {
    describe(`${name} (skipped: ${reason})`, () => {
      test.skip(reason, () => {});
    });
  }
}
