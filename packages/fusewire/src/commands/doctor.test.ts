import type { AdapterFacts } from "@fusewire/backend-tfjs/adapter";
import type { SelfTest } from "@fusewire/passes";
import { Command } from "commander";
import { expect, test } from "vitest";
import type { Sources } from "../doctor/examine.ts";
import { reporting } from "../errors.ts";
import { fusewire, testIo } from "../testing/run.ts";
import { addDoctor } from "./doctor.ts";

const GOOD: SelfTest = {
  results: [{ kernel: "softmax", difference: 1e-7, ok: true }],
  row_stable: true,
  unstable: [],
  ok: true,
};
const BAD: SelfTest = {
  results: [
    { kernel: "softmax", difference: 0.25, ok: false },
    { kernel: "matmul", difference: Number.NaN, ok: false },
  ],
  row_stable: false,
  unstable: ["rows of attention"],
  ok: false,
};
const ENDED: SelfTest = {
  results: [{ kernel: "concat", difference: Number.POSITIVE_INFINITY, ok: false, error: "it is gone\nwhy" }],
  row_stable: undefined,
  unstable: [],
  ok: false,
};
const ADAPTER: AdapterFacts = {
  vendor: "acme",
  architecture: "gen-3",
  description: "Acme Graphics 9000",
  software: false,
  features: ["subgroups", "shader-f16"],
  limits: {
    maxBufferSize: 2 ** 31,
    maxStorageBufferBindingSize: 2 ** 31,
    maxComputeWorkgroupStorageSize: 32768,
    maxComputeInvocationsPerWorkgroup: 1024,
    maxComputeWorkgroupSizeX: 1024,
    maxComputeWorkgroupSizeY: 1024,
    maxComputeWorkgroupsPerDimension: 65535,
  },
};
const BARE: Sources = {
  lookForGpu: async () => ({ missing: "adapter", refused: "no GPU in sight" }),
  listAdapters: async () => ({ missing: "webgpu", refused: "the npm package 'webgpu' is not installed" }),
  testWasm: async () => ({ simd: "base", threads: 2, threads_reason: undefined, tests: { base: GOOD } }),
  testWebGpu: async () => {
    throw new Error("there is no adapter to test");
  },
};

async function doctor(change: Partial<Sources>, argv: readonly string[] = [], columns?: number) {
  const io = testIo(columns === undefined ? {} : { columns });
  const program = new Command().exitOverride();
  addDoctor(program, io, { ...BARE, ...change });
  const code = await reporting(io, async () => {
    await program.parseAsync(["doctor", ...argv], { from: "user" });
  });
  return { code, ...io.read() };
}

test("a machine without WebGPU is told why, and what auto takes", async () => {
  const { code, stdout, stderr } = await doctor({});
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain("auto      takes wasm: no GPU in sight\n");
  expect(stdout).toContain("wasm      plain SIMD, 2 threads over shared memory\n");
  expect(stdout).toContain("base: 1 kernel test passed, rows keep their bits\n");
  expect(stdout).toContain("webgpu    none: the npm package 'webgpu' is not installed\n");
});

const SEEN = { claimed: 32, width: 32 };

const gpu = (tests: Readonly<Record<string, SelfTest>>, subgroups = SEEN): Partial<Sources> => ({
  lookForGpu: async () => ADAPTER,
  listAdapters: async () => [ADAPTER],
  testWebGpu: async () => ({ subgroups, tests }),
});

test.each([40, 80])("a GPU with its features and limits, in a terminal of %i columns", async (columns) => {
  const { code, stdout } = await doctor(gpu({ "a workgroup a line": GOOD }), [], columns);
  expect(code).toBe(0);
  const text = stdout.replace(/\s+/g, " ");
  expect(text).toContain("takes webgpu: the GPU Acme Graphics 9000");
  expect(text).toContain("features: shader-f16, subgroups");
  expect(text).toContain("maxBufferSize 2.15 GB");
  expect(text).toContain("lanes exchange values by 32, as tried a workgroup");
  expect(text).toContain("a workgroup a line: 1 kernel test passed");
  // The name of a limit may be longer than the line, and is not cut.
  for (const line of stdout.split("\n"))
    expect(line.length <= columns || !line.trim().includes(" ")).toBe(true);
});

test.each([
  [{ claimed: 32, width: 8 }, "lanes exchange values by 8, as tried; the driver speaks of subgroups of 32"],
  [{ claimed: 4, width: 1 }, "lanes exchange no values; the driver speaks of subgroups of 4"],
  [{ claimed: 64, width: 32 }, "lanes exchange values by 32, as tried a workgroup"],
  [{ claimed: 1, width: 1 }, "lanes exchange no values a workgroup"],
])("subgroups as they were seen: %j", async (subgroups, text) => {
  const { stdout } = await doctor(gpu({ "a workgroup a line": GOOD }, subgroups));
  expect(stdout.replace(/\s+/g, " ")).toContain(text);
});

test("a wrong kernel and rows that change are named, and end with 1", async () => {
  const { code, stdout, stderr } = await doctor(gpu({ "a thread a line": BAD, "a workgroup a line": ENDED }));
  expect(code).toBe(1);
  expect(stderr).toContain("error: a self-test failed");
  const text = stdout.replace(/\s+/g, " ");
  expect(text).toContain("2 of 2 kernel tests FAILED, rows do NOT keep their bits");
  expect(text).toContain("1 of 1 kernel test FAILED, and the rest was not run concat: it is gone verdict");
  for (const failure of ["softmax: off by 0.25", "matmul: off by NaN", "rows of attention: other bits"])
    expect(stdout).toContain(failure);
});

test("--json is the facts, also where a test failed", async () => {
  const { code, stdout } = await doctor(gpu({ "a thread a line": BAD }), ["--json"]);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    ok: false,
    auto: { device: "webgpu" },
    wasm: { threads: 2, tests: { base: { row_stable: true } } },
    webgpu: { adapters: [{ vendor: "acme" }], tests: { "a thread a line": { row_stable: false } } },
  });
});

test("the wasm kernels of this machine pass", async () => {
  const { testWasm } = (await import("../doctor/examine.ts")).MACHINE;
  const { tests } = await testWasm();
  expect(Object.values(tests).map(({ ok, row_stable }) => [ok, row_stable])).toEqual(
    Object.keys(tests).map(() => [true, true]),
  );
  expect((await fusewire("doctor", "softmax")).stderr).toContain("'softmax' belongs to no flag");
});
