import { assertInsideName, assertRange, type ByteSource, type ModelFiles } from "./files.ts";

/** Model files that are in memory already: for tests, and for browsers that fetched them. Bytes are not copied. */
export function memoryFiles(contents: Readonly<Record<string, Uint8Array>>, location = "memory"): ModelFiles {
  return {
    location,
    async open(name) {
      assertInsideName(name, location);
      const bytes = Object.hasOwn(contents, name) ? contents[name] : undefined;
      return bytes && memorySource(name, bytes);
    },
    async list(folder) {
      assertInsideName(folder, location);
      const inside = Object.keys(contents).filter((name) => name.startsWith(`${folder}/`));
      return inside.map((name) => name.slice(folder.length + 1)).filter((name) => !name.includes("/"));
    },
  };
}

function memorySource(name: string, bytes: Uint8Array): ByteSource {
  return {
    size: bytes.byteLength,
    async read(offset, length) {
      assertRange(name, bytes.byteLength, offset, length);
      return bytes.subarray(offset, offset + length);
    },
    async close() {},
  };
}
