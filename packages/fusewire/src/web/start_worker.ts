import { connectEngine, type Engine, type Port } from "@fusewire/passes";
import type { EngineOptions } from "../named_engine.ts";

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
export async function openInWorker(options: EngineOptions): Promise<Engine | NoWorker> {
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
