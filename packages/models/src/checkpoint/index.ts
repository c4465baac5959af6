export { type Checkpoint, openCheckpoint } from "./checkpoint.ts";
export { encodeSafetensors } from "./safetensors-write.ts";
