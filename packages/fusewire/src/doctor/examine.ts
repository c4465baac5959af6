import { freemem, totalmem } from "node:os";
import type { Subgroups } from "@fusewire/backend-tfjs";
import type { AdapterFacts, NoGpu } from "@fusewire/backend-tfjs/adapter";
import type { WasmFacts } from "@fusewire/backend-wasm";
import type { SelfTest } from "@fusewire/passes";
import { chooseDevice, type DeviceChoice, lookForGpu } from "../devices.ts";

/** Self-tests by the name of the variant. */
export type Tests = Readonly<Record<string, SelfTest>>;

/** What was seen on the WebGPU device that the system gives first. */
export interface WebGpuTests {
  readonly subgroups: Subgroups;
  readonly tests: Tests;
}

/** What a machine offers, and whether it computes what it should. */
export interface DoctorFacts {
  /** The program that runs JavaScript, such as "Node 24.1.0". */
  readonly runtime: string;
  readonly system: string;
  readonly memory: { readonly total: number; readonly free: number };
  readonly auto: DeviceChoice;
  readonly wasm: Omit<WasmFacts, "tests"> & { readonly tests: Tests };
  readonly webgpu: ({ readonly adapters: readonly AdapterFacts[] } & WebGpuTests) | NoGpu;
  /** Whether every self-test passed. */
  readonly ok: boolean;
}

/** Where the facts are from. */
export interface Sources {
  readonly lookForGpu: () => Promise<AdapterFacts | NoGpu>;
  readonly listAdapters: () => Promise<readonly AdapterFacts[] | NoGpu>;
  readonly testWasm: () => Promise<DoctorFacts["wasm"]>;
  readonly testWebGpu: () => Promise<WebGpuTests>;
}

export const MACHINE: Sources = {
  lookForGpu,
  // Loaded when asked for, as engines are: `fusewire --help` needs none of it.
  async listAdapters() {
    const { listAdapters } = await import("@fusewire/backend-tfjs/adapter");
    return listAdapters();
  },
  async testWasm() {
    const { testVariants } = await import("@fusewire/backend-wasm");
    const { tests, ...facts } = await testVariants();
    return { ...facts, tests: tests as Tests };
  },
  async testWebGpu() {
    const { openDevice, testVariants } = await import("@fusewire/backend-tfjs");
    const device = await openDevice();
    try {
      return { subgroups: device.subgroups, tests: await testVariants(device) };
    } finally {
      device.dispose();
    }
  },
};

/** Looks at the machine and runs every self-test that it can run. */
export async function examine(sources: Sources): Promise<DoctorFacts> {
  const auto = chooseDevice(await sources.lookForGpu());
  const wasm = await sources.testWasm();
  const adapters = await sources.listAdapters();
  const webgpu = "refused" in adapters ? adapters : { adapters, ...(await sources.testWebGpu()) };
  const tests = [wasm.tests, "refused" in webgpu ? {} : webgpu.tests].flatMap((some) => Object.values(some));
  return {
    runtime: runtimeOf(process.versions),
    system: `${process.platform} ${process.arch}`,
    memory: {
      total: Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY),
      free: freemem(),
    },
    auto,
    wasm,
    webgpu,
    ok: tests.every(({ ok }) => ok),
  };
}

/** Deno and Bun name the Node that they imitate as well. */
export function runtimeOf({ deno, bun, node }: Readonly<Record<string, string | undefined>>): string {
  if (deno !== undefined) return `Deno ${deno}`;
  return bun !== undefined ? `Bun ${bun}` : `Node ${node}`;
}
