/** The worker of a page that has the engine `wasm`. */
import { createWasmEngine } from "@fusewire/backend-wasm";
import { openSourceElsewhere } from "@fusewire/generate";
import { type Port, serveEngine } from "@fusewire/passes";
import { wasmOptions } from "../named_engine.ts";
import type { WorkerOrder } from "./start_worker.ts";

/** What is used of a worker's own scope; the types of a page have none. */
interface Scope {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: "message", listener: (event: MessageEvent<unknown>) => void): void;
}

const scope = globalThis as unknown as Scope;
const port: Port = {
  post: (message, transfer) => scope.postMessage(message, transfer),
  onMessage: (listener) => scope.addEventListener("message", ({ data }) => listener(data)),
  // A page that goes takes its workers with it, and it ends this one itself.
  onFailure() {},
  close() {},
};

serveEngine(
  port,
  (given) => createWasmEngine(wasmOptions((given as WorkerOrder).options)),
  openSourceElsewhere,
);
