/** What the engine asks of a browser. */

import { HELPER_SOURCE, type HelperData } from "../helper_source.ts";

export type Variant = "base" | "relaxed";

export async function readKernels(variant: Variant): Promise<Uint8Array<ArrayBuffer>> {
  // Written out, for bundlers take along only files that they find in this form.
  const url =
    variant === "base"
      ? new URL("../../dist/kernels/base.wasm", import.meta.url)
      : new URL("../../dist/kernels/relaxed.wasm", import.meta.url);
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** Browsers need no flag. */
export function allowRelaxedSimd(): void {}

/** A page cannot ask for it; browsers collect a memory that nobody holds by themselves. */
export function collectGarbage(): void {}

/** Threads that the machine can run at once. */
export const hostThreads = (): number => navigator.hardwareConcurrency || 1;

/** Why threads cannot be used here; undefined when they can. */
export function threadsRefused(): string | undefined {
  if (typeof SharedArrayBuffer === "undefined" || !globalThis.crossOriginIsolated)
    return "the page is not cross-origin isolated (headers Cross-Origin-Opener-Policy and Cross-Origin-Embedder-Policy)";
  return typeof Worker === "undefined" ? "the host has no workers" : undefined;
}

const REFUSED =
  "the page refuses workers; its Content-Security-Policy must allow them (worker-src blob:, script-src 'wasm-unsafe-eval')";

/** Starts a helper; `onGone` is told why when it has failed. */
export function startHelper(data: HelperData, onGone: (reason: string) => void): () => Promise<void> {
  const url = URL.createObjectURL(new Blob([HELPER_SOURCE], { type: "text/javascript" }));
  const worker = new Worker(url);
  URL.revokeObjectURL(url);
  // A worker that a policy refuses fails without a message.
  worker.onerror = ({ message }) => onGone(message ? `a worker failed (${message})` : REFUSED);
  worker.postMessage(data);
  return async () => worker.terminate();
}
