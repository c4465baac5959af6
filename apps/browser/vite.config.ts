import type { UserConfig } from "vite";

export default {
  // Relative addresses: the built page works in any folder of a server.
  base: "./",
  // A missing file is missing, rather than this page.
  appType: "mpa",
  // The models that come with the package, each a folder beside the page.
  publicDir: "node_modules/@fusewire/models/assets",
  build: { target: "es2022", chunkSizeWarningLimit: 2000 },
} satisfies UserConfig;
