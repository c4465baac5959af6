import { FusewireError } from "@fusewire/ir";
import * as tf from "@tensorflow/tfjs-core";
import type { EagerOptions } from "./options.ts";

/** One tfjs backend. tfjs has one current backend for the whole process, so every use names its own. */
export interface Device {
  readonly name: string;
  /** Runs `body`, which must not be async, with this backend current, and puts back the one found. */
  use<T>(body: () => T): T;
}

/** The backends that come with Fusewire; each is loaded when it is asked for. */
const OWN: Readonly<Record<string, (options: EagerOptions) => Promise<void>>> = {
  cpu: async () => {
    await import("@tensorflow/tfjs-backend-cpu");
  },
  wasm: async ({ wasmPaths }) => {
    const { setWasmPaths } = await import("@tensorflow/tfjs-backend-wasm");
    if (wasmPaths !== undefined) setWasmPaths(wasmPaths);
    // Its threads need the address of the script that they are started from, which a bundled one cannot tell them: in a
    // page that is isolated they would wait for each other for ever.
    if (!tf.engine().registry.wasm) tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  },
};

/** Starts a backend, unless it runs already, and leaves tfjs's current backend as it was. */
export async function openBackend(name: string, options: EagerOptions): Promise<Device> {
  await OWN[name]?.(options);
  const create = tf.findBackendFactory(name);
  if (!create) throw new FusewireError(`there is no tfjs backend '${name}'; ${others(name)}`);
  const { registry } = tf.engine();
  // Not by `setBackend`, which prints the reason of a failure instead of telling it, fails the first of two callers
  // that start one backend at once, and makes a backend current that is not ready yet.
  if (!registry[name]) {
    const backend = await withoutNewHandlers(async () => create()).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      throw new FusewireError(`the tfjs backend '${name}' did not start (${reason}); ${others(name)}`);
    });
    registry[name] ??= backend;
  }
  use(name, quietFirstTensor);
  return { name, use: (body) => use(name, body) };
}

/** The cpu backend greets with its first tensor. PROD does nothing but silence tfjs. */
function quietFirstTensor(): void {
  const silent = tf.env().getBool("PROD");
  tf.env().set("PROD", true);
  tf.scalar(0).dispose();
  tf.env().set("PROD", silent);
}

function use<T>(name: string, body: () => T): T {
  const before: string | undefined = tf.getBackend();
  if (before === name) return body();
  select(name);
  try {
    return body();
  } finally {
    if (before !== undefined) select(before);
  }
}

/** Switching to a backend that has started happens before `setBackend` returns; its promise adds nothing. */
function select(name: string): void {
  void tf.setBackend(name).catch(() => undefined);
  if (tf.getBackend() !== name) throw new FusewireError(`the tfjs backend '${name}' was removed`);
}

function others(name: string): string {
  const known = new Set([...Object.keys(OWN), ...Object.keys(tf.engine().registryFactory)]);
  known.delete(name);
  return `available: ${[...known].join(", ")}; others must be registered with tfjs first`;
}

interface NodeProcess {
  listeners(event: string): ((...args: unknown[]) => void)[];
  removeListener(event: string, listener: (...args: unknown[]) => void): void;
}

/**
 * In Node the wasm module adds handlers that throw every uncaught error again, and so end programs whose own
 * handlers would have gone on. They are removed; other handlers that come meanwhile are not.
 */
async function withoutNewHandlers<T>(body: () => Promise<T>): Promise<T> {
  const { process } = globalThis as { process?: Partial<NodeProcess> };
  if (!process?.listeners || !process.removeListener) return body();
  const events = ["uncaughtException", "unhandledRejection"];
  const before = new Set(events.flatMap((event) => process.listeners!(event)));
  try {
    return await body();
  } finally {
    for (const event of events)
      for (const listener of process.listeners(event))
        if (!before.has(listener) && /ExitStatus|throw reason/.test(String(listener)))
          process.removeListener(event, listener);
  }
}
