export {
  type Buckets,
  batchBucket,
  type Chunk,
  capacityBucket,
  checkBuckets,
  chunkBucket,
  cutChunks,
  DEFAULT_BUCKETS,
} from "./bucket.ts";
export { checkRunnable, checkStates, checkWeights, DisposedError } from "./disposed.ts";
export type {
  Engine,
  EngineTraits,
  EngineVariants,
  Executable,
  Held,
  MemoryRules,
  Outputs,
  States,
  WeightSource,
  Weights,
} from "./engine.ts";
export { EVERY_KERNEL } from "./every_kernel.ts";
export { type AttentionKernel, type Lowered, type RowClass, toLowered } from "./lowered.ts";
export { overlapOfStates } from "./overlap.ts";
export { isPackedCodes, withPackedCodes } from "./packed_codes.ts";
export { fixpoint, type Pass, sequence, traced, verified } from "./pass.ts";
export type { Quantization } from "./passes/quantize_weights.ts";
export { type LowerOptions, lower, OPTIONAL_PASSES, type OptionalPass, passesFor } from "./pipeline.ts";
export { planMemory } from "./plan_memory.ts";
export { evaluatePrepared } from "./prepare.ts";
export {
  launchesPerLayer,
  type Program,
  type ProgramBuffer,
  printProgram,
  type Ref,
  type Step,
  scratchBytes,
} from "./program.ts";
export { createReferenceEngine } from "./reference_engine.ts";
export { repeated } from "./repeated.ts";
export { type SelfTest, type SelfTestResult, selfTest } from "./self_test/self_test.ts";
