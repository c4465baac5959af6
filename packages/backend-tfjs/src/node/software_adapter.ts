/**
 * A software WebGPU adapter without system packages: SwiftShader's Vulkan driver and a Vulkan loader, which the npm
 * package `@sparticuz/chromium` (a development dependency) holds as a compressed archive.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { brotliDecompressSync } from "node:zlib";

const PACKAGE = "@sparticuz/chromium";
const DRIVER = "vk_swiftshader_icd.json";

/** Environment variables that a process must start with to find the adapter; setting them later is too late. */
export type AdapterEnvironment = Readonly<
  Record<"LD_LIBRARY_PATH" | "VK_DRIVER_FILES" | "XDG_RUNTIME_DIR", string>
>;

/**
 * The environment for the software adapter, unpacked into the user's cache once; undefined where the package is not
 * installed beside `from` (a file path or URL) or the system is none it has binaries for.
 */
export function softwareAdapter(from: string | URL): AdapterEnvironment | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  const root = packageRoot(from);
  if (!root) return undefined;
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const folder = join(cache, "fusewire", `swiftshader-${version}`);
  if (!existsSync(folder)) unpack(join(root, "bin", "swiftshader.tar.br"), folder);
  return {
    LD_LIBRARY_PATH: [folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(":"),
    VK_DRIVER_FILES: join(folder, DRIVER),
    XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR || folder,
  };
}

/** The package does not export its package.json, so its folder is found from the module it does export. */
function packageRoot(from: string | URL): string | undefined {
  try {
    const entry = createRequire(from).resolve(PACKAGE);
    const end = entry.lastIndexOf(join("node_modules", PACKAGE)) + join("node_modules", PACKAGE).length;
    return entry.slice(0, end);
  } catch {
    return undefined;
  }
}

/** Renames a finished folder into place, so that processes which unpack at the same time do not see halves. */
function unpack(archive: string, folder: string): void {
  mkdirSync(dirname(folder), { recursive: true });
  const fresh = mkdtempSync(`${folder}-`);
  for (const [name, bytes] of tarEntries(brotliDecompressSync(readFileSync(archive))))
    if (/^[\w.]+$/.test(name)) writeFileSync(join(fresh, name), bytes, { mode: 0o755 });
  try {
    renameSync(fresh, folder);
  } catch (error) {
    rmSync(fresh, { recursive: true });
    if (!existsSync(folder)) throw error;
  }
}

/** Plain files of a tar archive: blocks of 512 bytes, the name first, the size in octal at 124. */
function* tarEntries(tar: Buffer): Generator<readonly [name: string, bytes: Buffer]> {
  const text = (at: number, length: number) => tar.toString("latin1", at, at + length).replace(/\0.*$/s, "");
  for (let at = 0; at + 512 <= tar.length && text(at, 100) !== ""; ) {
    const size = Number.parseInt(text(at + 124, 12), 8);
    yield [text(at, 100), tar.subarray(at + 512, at + 512 + size)];
    at += 512 + Math.ceil(size / 512) * 512;
  }
}
