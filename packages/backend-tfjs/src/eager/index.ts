/** The door to the eager engine: TensorFlow.js is an optional peer, which is loaded when an engine is made. */

import { FusewireError } from "@fusewire/ir";
import type { Engine } from "@fusewire/passes";
import type { EagerOptions } from "./options.ts";

export type { EagerOptions, WasmPaths } from "./options.ts";

/**
 * The engine `eager:<backend>`: walks the graph and calls tfjs for each node. It runs on "cpu" and "wasm", which
 * are loaded when asked for, and on any backend that the program has registered with tfjs. Engines on several
 * backends may be used side by side; tfjs's current backend stays as the program set it.
 *
 * Throws a FusewireError that names the packages to install where TensorFlow.js is missing.
 */
export async function createEagerEngine(backendName: string, options: EagerOptions = {}): Promise<Engine> {
  try {
    const { openEagerEngine } = await import("./engine.ts");
    return await openEagerEngine(backendName, options);
  } catch (error) {
    throw missingTfjs(error, backendName) ?? error;
  }
}

/** Node, Bun, Deno and bundlers each say in their own words that a package is missing; all of them name it. */
function missingTfjs(error: unknown, backendName: string): FusewireError | undefined {
  if (error instanceof FusewireError) return undefined;
  const message = error instanceof Error ? error.message : String(error);
  if (!/(find|resolve|relative)\b.*@tensorflow\/tfjs-/is.test(message)) return undefined;
  const packages = ["core", `backend-${backendName}`].map((part) => `@tensorflow/tfjs-${part}`);
  return new FusewireError(
    `device 'eager:${backendName}' needs TensorFlow.js, which is not installed: npm install ${packages.join(" ")}`,
  );
}
