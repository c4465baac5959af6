import type { AdapterFacts } from "@fusewire/backend-tfjs/adapter";
import { FusewireError } from "@fusewire/ir";
import { createReferenceEngine } from "@fusewire/passes";
import { expect, test } from "vitest";
import { chooseDevice, createEngine } from "./devices.ts";

const GPU: AdapterFacts = {
  vendor: "nvidia",
  architecture: "hopper",
  description: "",
  software: false,
  features: ["shader-f16"],
  limits: {
    maxBufferSize: 2 ** 32,
    maxStorageBufferBindingSize: 2 ** 31,
    maxComputeWorkgroupStorageSize: 2 ** 15,
    maxComputeInvocationsPerWorkgroup: 1024,
    maxComputeWorkgroupSizeX: 1024,
    maxComputeWorkgroupSizeY: 1024,
    maxComputeWorkgroupsPerDimension: 65535,
  },
};

test("auto takes a GPU", () => {
  expect(chooseDevice(GPU)).toEqual({ device: "webgpu", reason: "the GPU nvidia hopper" });
});

test("auto takes wasm rather than a software adapter, and says its name", () => {
  const choice = chooseDevice({ ...GPU, software: true, description: "SwiftShader Device" });
  expect(choice.device).toBe("wasm");
  expect(choice.reason).toContain("SwiftShader Device");
});

test("auto takes wasm where there is no adapter, for the reason that was found", () => {
  const refused = "the npm package 'webgpu' is not installed";
  expect(chooseDevice({ missing: "webgpu", refused })).toEqual({ device: "wasm", reason: refused });
});

/** A machine with a GPU on which opening a device throws `error`; `opened` are the devices asked for. */
function machineThat(error: Error) {
  const opened: string[] = [];
  const open = async (device: string) => {
    opened.push(device);
    if (device === "webgpu") throw error;
    return createReferenceEngine();
  };
  return { opened, machine: { lookForGpu: async () => GPU, open } };
}

test("auto goes on with wasm where the GPU does not open, and says what happened", async () => {
  const { opened, machine } = machineThat(new Error("the driver is too old\nframe 1"));
  const { reason } = await createEngine("auto", {}, machine);
  expect(opened).toEqual(["webgpu", "wasm"]);
  expect(reason).toBe("the GPU nvidia hopper did not open (the driver is too old)");
  await expect(createEngine("webgpu", {}, machine)).rejects.toThrow("the driver is too old");
});

test("auto does not hide a wrong option", async () => {
  const { opened, machine } = machineThat(new FusewireError("threads is for device 'wasm'"));
  await expect(createEngine("auto", {}, machine)).rejects.toThrow("threads is for");
  expect(opened).toEqual(["webgpu"]);
});

// A checkout compiles the kernels of wasm when they are first asked for.
test("an engine says why auto took it, and nothing where it was named", async () => {
  const auto = await createEngine("auto");
  expect(auto.reason).toMatch(/GPU|adapter|webgpu/);
  const named = await createEngine("wasm");
  expect(named).toMatchObject({ engine: { name: "wasm" }, reason: undefined });
  await expect(createEngine("gpu")).rejects.toThrow("unknown device 'gpu'; choose one of auto, wasm");
  for (const { engine } of [auto, named]) engine.dispose();
});
