import type { UserConfig } from "vite";

export default {
  build: { target: "es2022", chunkSizeWarningLimit: 2000 },
  // The engine is one module of several; the older format cannot wait at the top level.
  worker: { format: "es" },
} satisfies UserConfig;
