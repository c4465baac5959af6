import { expect, test } from "vitest";
import { noGpuInSight } from "./gpu_files.ts";

const folders =
  (files: Readonly<Record<string, readonly string[]>>) =>
  (folder: string): readonly string[] =>
    files[folder] ?? [];

test.each([
  ["Mesa", { "/dev": ["null", "dri"], "/dev/dri": ["card0", "renderD128"] }],
  ["NVIDIA", { "/dev": ["nvidiactl", "nvidia0"] }],
  ["WSL", { "/dev": ["dxg"] }],
])("Linux shows a GPU: %s", (_, files) => {
  expect(noGpuInSight("linux", folders(files))).toBeUndefined();
});

test("Linux without a render node has none: a card alone is a screen", () => {
  const files = { "/dev": ["null", "dri", "nvidiactl"], "/dev/dri": ["card0"] };
  expect(noGpuInSight("linux", folders(files))).toContain("no GPU");
});

test("other systems are asked through their drivers", () => {
  expect(noGpuInSight("darwin", folders({}))).toBeUndefined();
  expect(noGpuInSight("win32", folders({}))).toBeUndefined();
});
