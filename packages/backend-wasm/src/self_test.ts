/** The self-test on this machine, once for each SIMD that the kernels can use here. */
import { type SelfTest, selfTest } from "@fusewire/passes";
import type { Variant } from "#platform";
import { createWasmEngine, type WasmOptions } from "./engine.ts";

export interface WasmFacts {
  /** What the engine uses. */
  readonly simd: Variant;
  readonly threads: number;
  /** Why it has fewer threads than the machine. */
  readonly threads_reason: string | undefined;
  readonly tests: Readonly<Partial<Record<Variant, SelfTest>>>;
}

/** Runs the self-test in every variant, by name, and tells what the engine is on this machine. */
export async function testVariants(options: Pick<WasmOptions, "threads"> = {}): Promise<WasmFacts> {
  const tests: Partial<Record<Variant, SelfTest>> = {};
  const { simd, threads, threadsReason } = await createTested({ ...options, relaxed: true }, tests);
  if (simd === "relaxed") await createTested({ ...options, relaxed: false }, tests);
  return { simd, threads, threads_reason: threadsReason, tests };
}

async function createTested(options: WasmOptions, tests: Partial<Record<Variant, SelfTest>>) {
  const engine = await createWasmEngine(options);
  tests[engine.simd] = await selfTest(engine);
  await engine.threadsSettled();
  const { simd, threads, threadsReason } = engine;
  engine.dispose();
  return { simd, threads, threadsReason };
}
