import { readdirSync } from "node:fs";

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
