export {
  type BatchCounts,
  type BatchEnd,
  type BatchedText,
  type Batcher,
  type BatcherOptions,
  type BatchLoad,
  type BatchRequest,
  type BatchStep,
  createBatcher,
  Overloaded,
} from "./batch/batcher.ts";
