import { HELPERS, STOP } from "./ids.ts";

/**
 * What a helper thread runs, in the words of both worlds: Node's workers and browsers'. It is a string so that it is the
 * same under tsx, in tests, in plain Node and in bundles, none of which then has to find a file.
 * One that fails in the middle of a step takes itself off the count and stops the others, which tells thread 0 not to
 * wait for it.
 */
export const HELPER_SOURCE = `
const start = ({ module, memory, control, thread }) => {
  const instance = new WebAssembly.Instance(module, { env: { memory, abort() {} } });
  try {
    instance.exports.help(control, thread);
  } catch (error) {
    const words = new Int32Array(memory.buffer, control);
    Atomics.sub(words, ${HELPERS}, 1);
    Atomics.store(words, ${STOP}, 1);
    throw error;
  }
};
if (typeof require === "function") start(require("node:worker_threads").workerData);
else self.onmessage = ({ data }) => { start(data); self.close(); };
`;

/** What a helper is given. */
export interface HelperData {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** The address of the control words. */
  readonly control: number;
  /** From 1; thread 0 is the engine's own. */
  readonly thread: number;
}
