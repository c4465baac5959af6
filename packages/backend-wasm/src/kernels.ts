import { FusewireError } from "@fusewire/ir";
import { allowRelaxedSimd, readKernels, type Variant } from "#platform";
import { DISPOSED } from "./heap.ts";

/** The functions that the compiled kernels export. */
export interface Kernels {
  readonly heapBase: () => number;
  /** 0 when a helper was lost on the way. */
  readonly run: (table: number, end: number, scratch: number, control: number) => number;
  /** See `kernels/quantize_weight.ts`; truth values are 0 and 1. */
  readonly quantizeWeight: (
    source: number,
    narrow: number,
    rows: number,
    width: number,
    group: number,
    bits: number,
    search: number,
    first: number,
    codes: number,
    sums: number,
    scales: number,
    buffer: number,
  ) => void;
}

/** The functions over one memory, which they hold until they are dropped. */
export interface KernelInstance extends Kernels {
  drop(): void;
}

/** Compiled kernels, ready to be instantiated in any thread. */
export interface KernelModule {
  readonly module: WebAssembly.Module;
  readonly variant: Variant;
}

/** (module (func (param v128) local.get 0 ×3, f32x4.relaxed_madd, drop)): valid only where relaxed SIMD is. */
const PROBE = new Uint8Array([
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 1, 123, 0, 3, 2, 1, 0, 10, 14, 1, 12, 0],
  ...[32, 0, 32, 0, 32, 0, 253, 133, 2, 26, 11],
]);

/** Loads the kernels: with relaxed SIMD where the host has it, unless `relaxed` says otherwise. */
export async function loadKernels(relaxed: boolean, shared: boolean): Promise<KernelModule> {
  // Asked first: a host that needs no flag prints a warning about one that it does not know.
  if (relaxed && !WebAssembly.validate(PROBE)) allowRelaxedSimd();
  const variant = relaxed && WebAssembly.validate(PROBE) ? "relaxed" : "base";
  const bytes = await readKernels(variant);
  return { module: await WebAssembly.compile(shared ? bytes : unshared(bytes)), variant };
}

/** Instantiates the kernels over a memory. */
export async function instantiate(
  { module }: KernelModule,
  memory: WebAssembly.Memory,
): Promise<KernelInstance> {
  const env = { memory, abort: () => undefined };
  const { exports } = await WebAssembly.instantiate(module, { env });
  let kernels = exports as unknown as Kernels | undefined;
  const own = (): Kernels => {
    if (!kernels) throw new FusewireError(DISPOSED);
    return kernels;
  };
  return {
    heapBase: () => own().heapBase(),
    run: (...step) => own().run(...step),
    quantizeWeight: (...rows) => own().quantizeWeight(...rows),
    drop() {
      kernels = undefined;
    },
  };
}

/** Clears the flag "shared" of the imported memory; atomic instructions stay valid. */
function unshared(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice();
  // The import reads: 6 "memory", kind 2, limits with flags 3 (a maximum, shared).
  const name = [...new TextEncoder().encode("memory"), 2, 3];
  const at = copy.findIndex((_, k) => name.every((byte, j) => copy[k + j] === byte));
  if (at < 0) throw new Error("the kernels import no shared memory");
  copy[at + name.length - 1] = 1;
  return copy;
}
