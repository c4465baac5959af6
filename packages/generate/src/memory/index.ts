export { estimateMemory, type MemoryEstimate, type MemorySizes } from "./estimate.ts";
export {
  type MemorySource,
  type MemorySourceOptions,
  memorySource,
  readMemorySource,
  withDType,
} from "./source.ts";
