/** Runs the WebGPU engine's self-test in the browser, in both cuts of kernels, and writes what came of it. */
import { openDevice, testVariants } from "@fusewire/backend-tfjs";

const write = (state: string, result: unknown): void => {
  document.getElementById("result")!.textContent = JSON.stringify(result);
  document.body.dataset.state = state;
};

try {
  const device = await openDevice();
  const tests = Object.values(await testVariants(device));
  write("done", { adapter: device.facts.description, tests });
} catch (error) {
  write("failed", String(error));
}
