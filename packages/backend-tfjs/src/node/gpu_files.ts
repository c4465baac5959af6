import { readdirSync, readFileSync } from "node:fs";

/** Files by which Linux drivers show a GPU: Mesa's and most others, NVIDIA's own, WSL's, Qualcomm's, Arm's. */
const GPU_FILES: readonly (readonly [folder: string, file: RegExp])[] = [
  ["/dev/dri", /^renderD\d+$/],
  ["/dev", /^(nvidia\d+|dxg|kgsl-3d\d+|mali\d+)$/],
];

/**
 * Why there can be no GPU here, found in a millisecond and without loading a driver; undefined where one may be.
 * Systems other than Linux always have one, or say by themselves that they have not.
 */
export function noGpuInSight(
  platform: string = process.platform,
  list: (folder: string) => readonly string[] = filesOf,
): string | undefined {
  if (platform !== "linux") return undefined;
  if (GPU_FILES.some(([folder, file]) => list(folder).some((name) => file.test(name)))) return undefined;
  return "this machine shows no GPU (neither /dev/dri/renderD* nor /dev/nvidia*)";
}

function filesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

const LOADER = "libvulkan.so.1";

/** Where Linux keeps libraries that its cache does not list: musl has no cache. */
const LIBRARIES = ["/lib", "/usr/lib", "/usr/local/lib", "/lib64", "/usr/lib64"];

/** What `noVulkanLoader` looks at. */
export interface LinuxLibraries {
  readonly platform: string;
  /** Folders in LD_LIBRARY_PATH. */
  readonly path: readonly string[];
  readonly list: (folder: string) => readonly string[];
  /** Whether ld.so's cache, the list of all libraries in the system's own folders, names a file. */
  readonly cached: (file: string) => boolean;
}

/**
 * Why Dawn cannot find a GPU on a Linux without Vulkan's loader; undefined where it may. Asked first, because Dawn
 * prints warnings of its own that nothing can silence.
 */
export function noVulkanLoader({ platform, path, list, cached }: LinuxLibraries = LINUX): string | undefined {
  if (platform !== "linux" || cached(LOADER)) return undefined;
  if ([...path, ...LIBRARIES].some((folder) => list(folder).includes(LOADER))) return undefined;
  return `the system has no Vulkan loader (${LOADER}; the package libvulkan1 or vulkan-loader), which WebGPU needs`;
}

const LINUX: LinuxLibraries = {
  platform: process.platform,
  path: (process.env.LD_LIBRARY_PATH ?? "").split(":").filter((folder) => folder !== ""),
  list: filesOf,
  cached(file) {
    try {
      return readFileSync("/etc/ld.so.cache", "latin1").includes(`${file}\0`);
    } catch {
      return false;
    }
  },
};
