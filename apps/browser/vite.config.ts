import { readFileSync } from "node:fs";
import type { Plugin, UserConfig } from "vite";

/** Isolates the page, so that threads may share memory; docs/browsers.md says how other servers set them. */
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** A service worker serves the folder in which it lies and those below, so this one must lie beside the page. */
const isolation: Plugin = {
  name: "isolation",
  generateBundle() {
    const source = readFileSync(new URL("./src/isolation.js", import.meta.url), "utf8");
    this.emitFile({ type: "asset", fileName: "isolation.js", source });
  },
};

export default {
  // Relative addresses: the built page works in any folder of a server.
  base: "./",
  // A missing file is missing, rather than this page.
  appType: "mpa",
  // The models that come with the package, each a folder beside the page.
  publicDir: "node_modules/@fusewire/models/assets",
  plugins: [isolation],
  server: { headers },
  preview: { headers },
  build: { target: "es2022", chunkSizeWarningLimit: 2000 },
} satisfies UserConfig;
