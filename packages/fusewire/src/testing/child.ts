/** What a process that tests have started comes to. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

export async function outcomeOf(child: ChildProcess) {
  const text = { stdout: "", stderr: "" };
  child.stdout?.on("data", (data) => {
    text.stdout += data;
  });
  child.stderr?.on("data", (data) => {
    text.stderr += data;
  });
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  return { code, signal, ...text };
}
