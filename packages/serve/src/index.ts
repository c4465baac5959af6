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
  Overloaded,
} from "./batch/batch.ts";
export { createBatcher } from "./batch/batcher.ts";
export { hostBatcher } from "./batch/host.ts";
export { type BatchThread, remoteBatcher } from "./batch/remote.ts";
export { type Order, type Port, type Report, receiveError, type SentError, sendError } from "./batch/wire.ts";
export type { SseTimes } from "./http/sse.ts";
export type { ServedModel } from "./served_model.ts";
