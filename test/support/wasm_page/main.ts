/** Runs the wasm engine's self-test in a worker of the page, and writes what came of it. */
const write = (state: string, result: unknown): void => {
  document.getElementById("result")!.textContent = JSON.stringify(result);
  document.body.dataset.state = state;
};

const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
worker.onmessage = ({ data }: MessageEvent<unknown>) =>
  write("done", { isolated: crossOriginIsolated, facts: data });
worker.onerror = ({ message }) => write("failed", message);
