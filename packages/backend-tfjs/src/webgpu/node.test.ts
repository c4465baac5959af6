/** How processes with a device behave: they are started apart, for that is what is tested. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const index = JSON.stringify(fileURLToPath(new URL("../index.ts", import.meta.url)));
const ir = JSON.stringify(fileURLToPath(new URL("../../../ir/src/index.ts", import.meta.url)));
const passes = JSON.stringify(fileURLToPath(new URL("../../../passes/src/index.ts", import.meta.url)));

function run(code: string, env: Readonly<Record<string, string>> = {}) {
  const script = `import { createWebGpuEngine, openDevice } from ${index};
import * as ir from ${ir};
import { toLowered } from ${passes};
${code}`;
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

/** A program that is under way when the process ends. */
const ENGINE = `const engine = await createWebGpuEngine();
const pair = ir.tensorType("f32", [1 << 20]);
const module = ir.trace({ add: (t) => {
  const next = ir.add(t.state("total", pair), t.input("by", pair));
  t.write("total", next);
  return { next };
} });
const none = engine.createWeights(async () => { throw new Error("no weights"); });
const executable = await engine.compile(toLowered(module), none);
const states = engine.createStates(module.states);
const inputs = new Map([["by", { type: pair, data: new Float32Array(1 << 20) }]]);
const run = () => engine.runTimes(executable, states, inputs, 40);
`;

test("a process may exit while the device works, and ends by itself when it does not", () => {
  expect(run(`${BUSY}\nprocess.exit(7);`)).toMatchObject({ status: 7 });
  expect(run("await openDevice();")).toMatchObject({ status: 0 });
});

test("a process ends as it should with steps of an engine under way, also by an error and after a restore", () => {
  expect(run(`${ENGINE}run();\nsetTimeout(() => process.exit(5), 20);`)).toMatchObject({ status: 5 });
  const thrown = run(`${ENGINE}run();\nsetTimeout(() => { throw new Error("on purpose"); }, 20);`);
  expect(thrown).toMatchObject({ status: 1, text: expect.stringContaining("on purpose") });
  const restored = `engine.device.device.destroy();
await run().catch((error) => console.log(error.fault));
await engine.restore();
const again = await engine.compile(toLowered(module), none);
const fresh = engine.createStates(module.states);
const outputs = await engine.run(again, fresh, inputs);
console.log(outputs.size);
engine.run(again, fresh, inputs);
process.exit(6);`;
  expect(run(`${ENGINE}${restored}`)).toMatchObject({ status: 6, text: "lost\n1\n" });
});

test("losses say why, and what WebGPU refuses is a typed error and no noise", () => {
  const told = run(`const device = await openDevice();
const buffer = device.device.createBuffer({ size: 16, usage: 9 });
device.device.queue.writeBuffer(buffer, 8, new Uint8Array(16));
await device.device.queue.onSubmittedWorkDone();
console.log(device.fault().name, device.fault().fault, device.fault().message.includes("does not fit"));
device.device.destroy();
await device.device.lost;
console.log(device.fault().fault, device.fault().message.includes("restore()"));`);
  expect(told).toEqual({ status: 0, text: "FusewireError refused true\nlost true\n" });
});

test("a system without an adapter is told what to do", () => {
  const { text } = run(
    "await openDevice().catch((error) => console.log(error.name, error.fault, error.message));",
    { VK_DRIVER_FILES: "/nowhere.json" },
  );
  expect(text).toContain("FusewireError no-adapter");
  expect(text).toContain("use another device");
});
