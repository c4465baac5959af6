import { createEagerEngine, createWebGpuEngine, type OpenDevice, openDevice } from "@fusewire/backend-tfjs";
import { type CausalLM, compile, loadCausalLM } from "@fusewire/generate";
import { type Engine, OPTIONAL_PASSES } from "@fusewire/passes";
import { globals } from "webgpu";
import type { BenchOptions } from "./options.ts";
import { watchWeights } from "./weight_bytes.ts";

/** A model on one way of running it, all of them on one device. */
export interface Contestant {
  readonly name: string;
  readonly engine: Engine;
  readonly model: CausalLM;
  /** Bytes of weights that a decoding step reads, once one was compiled. */
  weightBytes(): number;
}

const FUSING = OPTIONAL_PASSES.filter((name) => name.startsWith("fuse_"));

export const BASE = "eager tfjs-webgpu";
export const UNFUSED = "unfused, a step a submit";
export const FUSED = "fused, a step a submit";
export const REPLAY = "fused, many steps a submit";

/** tfjs node by node; programs without and with fusion, encoded each step; and decoding that stays on the device. */
export async function openContestants(
  options: BenchOptions,
  names: readonly string[] = [BASE, UNFUSED, FUSED, REPLAY],
): Promise<{
  readonly device: OpenDevice;
  readonly contestants: readonly Contestant[];
  dispose(): Promise<void>;
}> {
  const device = await openDevice();
  const contestants: Contestant[] = [];
  for (const name of names) {
    const made = name === BASE ? await openEager(device) : await createWebGpuEngine({ device });
    const { engine, weightBytes } = watchWeights(made);
    const model = await loadCausalLM(await options.open(), {
      engine,
      owns_engine: true,
      dtype: options.dtype,
      disable_passes: name === UNFUSED ? FUSING : [],
    });
    await model.load();
    if (name === REPLAY) model.generate = compile(model.generate, { mode: "reduce-overhead" });
    contestants.push({ name, engine, model, weightBytes });
  }
  return {
    device,
    contestants,
    async dispose() {
      for (const { model } of contestants) await model.dispose();
      device.dispose();
    },
  };
}

/** tfjs's own WebGPU backend on our device. */
async function openEager(device: OpenDevice): Promise<Engine> {
  const { shareWithTfjs } = await import("@fusewire/backend-tfjs/tfjs");
  await shareWithTfjs(device, globals as Record<string, unknown>);
  return createEagerEngine("webgpu");
}

export const promptOf = (length: number): number[] => Array.from({ length }, (_, k) => 5 + ((k * 37) % 300));
