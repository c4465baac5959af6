export { type AppOptions, createApp } from "./app.ts";
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
export type { SseTimes } from "./http/sse.ts";
export type { ServedModel } from "./served_model.ts";
