export { compileModule, type ModuleEngine } from "./compile_module.ts";
export { checkRunnable, checkStates, checkWeights, DisposedError } from "./engine/disposed.ts";
export type {
  Engine,
  EngineTraits,
  EngineVariants,
  Executable,
  Held,
  MemoryRules,
  Outputs,
  ProgramSizes,
  SourceElsewhere,
  States,
  WeightSource,
  Weights,
} from "./engine/engine.ts";
export { EVERY_KERNEL } from "./engine/every_kernel.ts";
export { type AttentionKernel, type Lowered, type RowClass, toLowered } from "./engine/lowered.ts";
export { overlapOfStates } from "./engine/overlap.ts";
export { createPreparer, evaluatePrepared, type GroupScales } from "./engine/prepare.ts";
export { createReferenceEngine } from "./engine/reference_engine.ts";
export { repeated } from "./engine/repeated.ts";
export {
  type Buckets,
  batchBucket,
  type Chunk,
  capacityBucket,
  checkBuckets,
  chunkBucket,
  cutChunks,
  DEFAULT_BUCKETS,
} from "./passes/bucket.ts";
export type { Quantization } from "./passes/quantize_weights.ts";
export { type LowerOptions, lower, OPTIONAL_PASSES, type OptionalPass, passesFor } from "./pipeline.ts";
export { isPackedCodes, withPackedCodes } from "./plan/packed_codes.ts";
export { planMemory } from "./plan/plan_memory.ts";
export {
  launchesPerLayer,
  type Program,
  type ProgramBuffer,
  printProgram,
  type Ref,
  type Step,
  scratchBytes,
} from "./plan/program.ts";
export { programSizes } from "./plan/program_sizes.ts";
export { connectEngine } from "./remote/connect_engine.ts";
export type { Port } from "./remote/port.ts";
export { type OpenSource, serveEngine } from "./remote/serve_engine.ts";
export { fixpoint, type Pass, sequence, traced, verified } from "./rewrite/pass.ts";
export { type SelfTest, type SelfTestResult, selfTest } from "./self_test/self_test.ts";
