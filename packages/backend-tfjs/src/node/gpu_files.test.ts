import { expect, test } from "vitest";
import { type LinuxLibraries, noGpuInSight, noVulkanLoader } from "./gpu_files.ts";

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

const linux = (some: Partial<LinuxLibraries>): LinuxLibraries => ({
  platform: "linux",
  path: [],
  list: () => [],
  cached: () => false,
  ...some,
});

test("Linux without Vulkan's loader is told so, before Dawn prints warnings", () => {
  expect(noVulkanLoader(linux({}))).toContain("libvulkan.so.1");
  expect(noVulkanLoader(linux({ list: folders({ "/opt/vulkan": ["libvulkan.so.1"] }) }))).toContain(
    "libvulkan",
  );
});

test.each([
  ["in ld.so's cache", linux({ cached: (file) => file === "libvulkan.so.1" })],
  [
    "in a folder of LD_LIBRARY_PATH",
    linux({ path: ["/opt/a"], list: folders({ "/opt/a": ["libvulkan.so.1"] }) }),
  ],
  ["in a folder of a system without a cache", linux({ list: folders({ "/usr/lib": ["libvulkan.so.1"] }) })],
  ["of another system", linux({ platform: "darwin" })],
])("a loader %s is found", (_, libraries) => {
  expect(noVulkanLoader(libraries)).toBeUndefined();
});
