/** What the engine asks of a browser. */

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
