import { FusewireError } from "@fusewire/ir";
import type { AttentionKernel } from "@fusewire/passes";

/** Kernels for attention, as in torch.nn.attention.SDPBackend. */
export const SDPBackend = {
  FLASH_ATTENTION: "flash_attention",
  EFFICIENT_ATTENTION: "efficient_attention",
  MATH: "math",
} as const satisfies Readonly<Record<string, AttentionKernel>>;

const KERNELS: readonly AttentionKernel[] = Object.values(SDPBackend);

/** What a scope allows: the first of these that the engine has is taken. */
export type AllowedKernels = readonly AttentionKernel[];

export interface SdpaKernelOptions {
  /** Try the kernels in the order of the list; without it flash, efficient, math. */
  readonly set_priority?: boolean;
}

/** Where the scopes of the calls under way are kept. */
interface ScopeStore {
  run<T>(allowed: AllowedKernels, body: () => T): T;
  current(): AllowedKernels | undefined;
}

const scopes = createStore();

/** The kernels that scopes around this call allow. */
export const currentScope = (): AllowedKernels | undefined => scopes.current();

/**
 * Runs `body` with attention limited to these kernels (torch.nn.attention.sdpa_kernel): generations that it starts,
 * after an await too, run in the first of them that the engine has, and are errors where it has none.
 */
export function sdpa_kernel<T>(
  backends: AttentionKernel | readonly AttentionKernel[],
  options: SdpaKernelOptions | (() => T),
  body?: () => T,
): T {
  const [{ set_priority = false }, run] = typeof options === "function" ? [{}, options] : [options, body];
  if (!run) throw new FusewireError("sdpa_kernel(backends, options, fn) needs the function to run");
  const given = [backends].flat();
  if (given.length === 0)
    throw new FusewireError("sdpa_kernel: no kernel is allowed; name at least one of SDPBackend");
  const unknown = given.find((name) => !KERNELS.includes(name));
  if (unknown !== undefined)
    throw new FusewireError(`sdpa_kernel: '${unknown}' is not one of ${KERNELS.join(", ")}`);
  return scopes.run(set_priority ? given : KERNELS.filter((name) => given.includes(name)), run);
}

export interface SdpKernelOptions {
  readonly enable_flash?: boolean;
  readonly enable_math?: boolean;
  readonly enable_mem_efficient?: boolean;
}

/** The older form (torch.backends.cuda.sdp_kernel): kernels are allowed unless they are switched off. */
export function sdp_kernel<T>(
  { enable_flash = true, enable_math = true, enable_mem_efficient = true }: SdpKernelOptions,
  body: () => T,
): T {
  const allowed: AttentionKernel[] = [];
  if (enable_flash) allowed.push("flash_attention");
  if (enable_mem_efficient) allowed.push("efficient_attention");
  if (enable_math) allowed.push("math");
  return sdpa_kernel(allowed, body);
}

/** Node's store that follows promises. */
interface AsyncHooks {
  readonly AsyncLocalStorage: new () => {
    run<T>(value: AllowedKernels, body: () => T): T;
    getStore(): AllowedKernels | undefined;
  };
}
interface Host {
  readonly process?: { readonly getBuiltinModule?: (name: string) => AsyncHooks | undefined };
}

/** By Node's store, or where there is none by a stack: a scope then holds until its body's promise settles, for all that starts meanwhile. */
function createStore(): ScopeStore {
  const hooks = (globalThis as Host).process?.getBuiltinModule?.("node:async_hooks");
  if (!hooks) return createStack();
  const store = new hooks.AsyncLocalStorage();
  return { run: (allowed, body) => store.run(allowed, body), current: () => store.getStore() };
}

/** Exported for tests: pages have no store that follows promises. */
export function createStack(): ScopeStore {
  const open: { readonly allowed: AllowedKernels }[] = [];
  return {
    current: () => open.at(-1)?.allowed,
    run(allowed, body) {
      const scope = { allowed };
      open.push(scope);
      const close = () => void open.splice(open.indexOf(scope), 1);
      let result: ReturnType<typeof body>;
      try {
        result = body();
      } catch (error) {
        close();
        throw error;
      }
      if (result instanceof Promise) result.then(close, close);
      else close();
      return result;
    },
  };
}
