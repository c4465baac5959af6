import {
  connectEngine,
  createPreparer,
  type ModuleEngine,
  type Port,
  type WeightSource,
  type Weights,
} from "@fusewire/passes";
import type { EngineOptions, Prepare } from "../named_engine.ts";

/** What the page gives its worker. */
export interface WorkerOrder {
  readonly options: EngineOptions;
}

/** Why there is no engine in a worker. */
export interface NoWorker {
  readonly refused: string;
}

const LOST = "the worker that runs the model has failed";

/** The engine `wasm` in a worker of its own, or why the page cannot have one; errors of the engine itself are thrown. */
export async function openInWorker(options: EngineOptions): Promise<ModuleEngine | NoWorker> {
  // A worker has no document, and whoever runs the library in one has taken care of the page.
  if (typeof Worker === "undefined" || typeof document === "undefined") return { refused: "" };
  let worker: Worker;
  try {
    // Written out, for bundlers build workers only of what they find in this form.
    worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "fusewire" });
  } catch (error) {
    return { refused: String(error) };
  }
  let failure: string | undefined;
  const port: Port = {
    post: (message, transfer) => worker.postMessage(message, transfer),
    onMessage(listener) {
      worker.onmessage = ({ data }: MessageEvent<unknown>) => listener(data);
    },
    onFailure(listener) {
      worker.onerror = ({ message }) => {
        failure = message || "its script cannot be loaded, or the page's Content-Security-Policy forbids it";
        listener(`${LOST} (${failure}); load the model again`);
      };
    },
    close: () => worker.terminate(),
  };
  try {
    const order: WorkerOrder = { options };
    return await connectEngine(port, order);
  } catch (error) {
    worker.terminate();
    if (failure === undefined) throw error;
    return { refused: failure };
  }
}

/** Computes values from weights in a worker, which is started for the first of them, or here where there can be none. */
export function prepareInWorker(): { readonly prepare: Prepare; close(): Promise<void> } {
  let opening: Promise<ModuleEngine | NoWorker> | undefined;
  return {
    prepare(source: WeightSource) {
      const here = createPreparer(source);
      let weights: Weights | undefined;
      return async (node) => {
        opening ??= openInWorker({ threads: 1 });
        const engine = await opening;
        if ("refused" in engine) return here(node);
        weights ??= engine.createWeights(source);
        return engine.prepare(node, weights);
      };
    },
    async close() {
      const engine = await opening?.catch(() => undefined);
      if (engine && !("refused" in engine)) await engine.dispose();
    },
  };
}
