import { fileURLToPath } from "node:url";

const root = new URL("../goldens/", import.meta.url);

/** Path of committed golden data, as in `goldenPath("models", "llama", "expected.json")`. */
export function goldenPath(...segments: string[]): string {
  return fileURLToPath(new URL(segments.join("/"), root));
}
