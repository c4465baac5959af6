/** Loads a model in a process of its own and prints what that took: `tsx load_memory.ts DIRECTORY DEVICE`. */
import { AutoModelForCausalLM, type Device } from "fusewire";

const [directory = "", device] = process.argv.slice(2) as [string?, Device?];
await Promise.all([import("@fusewire/backend-wasm"), import("@fusewire/backend-tfjs")]);
const idle = process.memoryUsage().rss;
const model = await AutoModelForCausalLM.from_pretrained(directory, { device: device ?? "auto" });
// maxRSS is in KiB.
console.log(
  JSON.stringify({
    loading: process.resourceUsage().maxRSS * 1024 - idle,
    held: model.runtime.engine.held().bytes,
  }),
);
await model.dispose();
