/** How processes with a device behave: they are started apart, for that is what is tested. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const index = JSON.stringify(fileURLToPath(new URL("../index.ts", import.meta.url)));

function run(code: string, env: Readonly<Record<string, string>> = {}) {
  const script = `import { createWebGpuEngine, openDevice } from ${index};\n${code}`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--import", "tsx", "--input-type=module", "--eval", script],
    { encoding: "utf8", env: { ...process.env, ...env } },
  );
  return { status, text: stdout + stderr };
}

const BUSY = `const { device } = await openDevice();
const buffer = device.createBuffer({ size: 1 << 26, usage: 140 });
for (let k = 0; k < 40; k++) {
  const encoder = device.createCommandEncoder();
  encoder.clearBuffer(buffer);
  device.queue.submit([encoder.finish()]);
}
device.queue.onSubmittedWorkDone();`;

test("a process may exit while the device works, and ends by itself when it does not", () => {
  expect(run(`${BUSY}\nprocess.exit(7);`)).toMatchObject({ status: 7 });
  expect(run("await openDevice();")).toMatchObject({ status: 0 });
}, 60_000);

test("a system without an adapter is told what to do", () => {
  const { text } = run(
    "await openDevice().catch((error) => console.log(error.name, error.fault, error.message));",
    { VK_DRIVER_FILES: "/nowhere.json" },
  );
  expect(text).toContain("FusewireError no-adapter");
  expect(text).toContain("use another device");
}, 60_000);
