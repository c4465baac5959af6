/** What the engine asks of Node. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Worker } from "node:worker_threads";
import { HELPER_SOURCE, type HelperData } from "../helper_source.ts";

export type Variant = "base" | "relaxed";

/** The compiled kernels; in a checkout they are compiled first when the sources have changed. */
export async function readKernels(variant: Variant): Promise<Uint8Array<ArrayBuffer>> {
  const script = new URL("../../scripts/compile_kernels.mjs", import.meta.url);
  if (existsSync(new URL("../../kernels/index.ts", import.meta.url))) {
    const compiler = (await import(script.href)) as { compileKernels(variants: readonly Variant[]): void };
    compiler.compileKernels([variant]);
  }
  return new Uint8Array(await readFile(new URL(`../../dist/kernels/${variant}.wasm`, import.meta.url)));
}

/** Node 20 knows the relaxed instructions but accepts them only under a flag, which modules compiled later obey. */
export function allowRelaxedSimd(): void {
  setFlagsFromString("--experimental-wasm-relaxed-simd");
}

/** Collects now: V8 does not count the bytes of a WebAssembly memory, so it sees no reason to by itself. */
export function collectGarbage(): void {
  // Deno and Bun, which know no flags of V8, collect as they see fit.
  if ("deno" in process.versions || "bun" in process.versions) return;
  setFlagsFromString("--expose-gc");
  // Only a context that is made after the flag was set has the function.
  const collect: unknown = runInNewContext("gc");
  if (typeof collect === "function") collect();
}

/** Threads that the machine can run at once. */
export const hostThreads = (): number => availableParallelism();

/** Why threads cannot be used here; undefined when they can. */
export const threadsRefused = (): string | undefined => undefined;

/** Starts a helper, which keeps neither the process nor its exit waiting; `onGone` is told why when it has ended. */
export function startHelper(data: HelperData, onGone: (reason: string) => void): () => Promise<void> {
  const worker = new Worker(HELPER_SOURCE, {
    eval: true,
    workerData: data,
    // Loaders of the program are of no use to it.
    execArgv: [],
    stdin: false,
  });
  worker.unref();
  // An error ends the worker as well: its exit comes later.
  worker.on("error", (error) => onGone(`a worker failed (${error.message})`));
  worker.on("exit", (code) => onGone(`a worker ended with code ${code}`));
  return async () => {
    await worker.terminate();
  };
}
