/** What the engine asks of Node. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setFlagsFromString } from "node:v8";

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
