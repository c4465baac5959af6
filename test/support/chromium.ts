/** A real headless Chromium out of the npm package `@sparticuz/chromium`, unpacked for one run. */

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { type Browser, chromium } from "playwright-core";

const PACKAGE = join("node_modules", "@sparticuz", "chromium");

export interface Chromium {
  readonly browser: Browser;
  close(): Promise<void>;
}

/** Lets a browser without a GPU offer WebGPU, on the software adapter that lies beside it. */
export const SOFTWARE_WEBGPU: readonly string[] = [
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--enable-features=Vulkan",
  "--use-vulkan=swiftshader",
  "--ignore-gpu-blocklist",
];

/** Starts the browser; elsewhere than on Linux on x64, where the package has none, an installed Chrome. */
export async function launchChromium(args: readonly string[] = []): Promise<Chromium> {
  if (process.platform !== "linux" || process.arch !== "x64") {
    const browser = await chromium.launch({ channel: "chrome", args: [...args] });
    return { browser, close: () => browser.close() };
  }
  const folder = mkdtempSync(join(tmpdir(), "fusewire-chromium-"));
  const executablePath = unpack(folder);
  const browser = await chromium.launch({
    executablePath,
    // Containers and root have no sandbox to put it in.
    args: ["--no-sandbox", ...args],
    env: { ...process.env, ...libraries(folder, executablePath), FONTCONFIG_FILE: fontConfig(folder) },
  });
  return {
    browser,
    async close() {
      await browser.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Not by the package's own function, which unpacks into the system's folder for anyone to find half done. */
function unpack(folder: string): string {
  const executable = join(folder, "chromium");
  writeFileSync(executable, contents("chromium.br"), { mode: 0o755 });
  for (const archive of ["fonts", "al2023", "swiftshader"])
    spawnSync("tar", ["-x", "-C", folder], { input: contents(`${archive}.tar.br`) });
  return executable;
}

function contents(name: string): Buffer {
  const entry = createRequire(import.meta.url).resolve("@sparticuz/chromium");
  const root = entry.slice(0, entry.lastIndexOf(PACKAGE) + PACKAGE.length);
  return brotliDecompressSync(readFileSync(join(root, "bin", name)));
}

/** The libraries that come along are for systems without their own, which suit the system better. */
function libraries(folder: string, executable: string): Readonly<Record<string, string>> {
  const { stdout } = spawnSync("ldd", [executable], { encoding: "utf8" });
  return stdout.includes("not found") ? { LD_LIBRARY_PATH: join(folder, "lib") } : {};
}

function fontConfig(folder: string): string {
  const file = join(folder, "fonts.conf");
  const cache = join(folder, "font-cache");
  mkdirSync(cache);
  const folders = ["/usr/share/fonts", join(folder, "fonts")].map((dir) => `<dir>${dir}</dir>`).join("");
  writeFileSync(file, `<fontconfig>${folders}<cachedir>${cache}</cachedir></fontconfig>`);
  return file;
}
