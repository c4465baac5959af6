export { CHUNK, type ChunkedFile, chunkedSource } from "./chunked.ts";
export { type FetchFilesOptions, fetchFiles } from "./fetch.ts";
export {
  assertInsideName,
  assertRange,
  type ByteSource,
  hasNo,
  isInsideName,
  type ModelFiles,
} from "./files.ts";
export { findJsonProblem, type JsonProblem } from "./json-scan.ts";
export { memoryFiles } from "./memory.ts";
export type { FileProgress } from "./progress.ts";
export {
  decodeUtf8,
  isJsonObject,
  isLfsPointer,
  type JsonObject,
  type JsonValue,
  kindOf,
  lfsPointerError,
  parseJsonObject,
  readJson,
  readText,
} from "./read.ts";
