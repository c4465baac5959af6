export { type Checkpoint, encodeSafetensors, openCheckpoint } from "./checkpoint/index.ts";
export {
  type ByteSource,
  type JsonObject,
  type JsonValue,
  type ModelFiles,
  memoryFiles,
  readJson,
  readText,
} from "./files/index.ts";
