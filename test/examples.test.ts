/** Every example runs as it stands. */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const examples = readdirSync(`${root}/examples`, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts") && !/node_modules|support/.test(name))
  .sort();

test.each(examples)("%s", (name) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", `examples/${name}`], {
    cwd: root,
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  expect(stdout.trim().length).toBeGreaterThan(20);
});
