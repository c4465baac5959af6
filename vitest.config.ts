import { configDefaults, defineConfig } from "vitest/config";
import { softwareAdapter } from "./packages/backend-tfjs/src/node/software_adapter.ts";

const long = "**/*.long.test.ts";
const exclude = [...configDefaults.exclude, long];

/** Unit tests that wait for a software GPU, for threads or for processes of their own. */
const waiting = [
  "packages/backend-tfjs/src/webgpu/**/*.test.ts",
  "packages/backend-wasm/src/{elementwise,random_threads,robustness,threads}.test.ts",
  "packages/fusewire/src/{commands/*,demo,process,restart,serve/*}.test.ts",
  "packages/models/src/node/hub/*.test.ts",
];

/**
 * How long a test may take before it counts as hung. One number for all, far above what any test needs: a machine that
 * is busy with something else must not fail one.
 */
const HUNG = 900_000;
const limits = { testTimeout: HUNG, hookTimeout: HUNG, expect: { poll: { timeout: HUNG } } };

export default defineConfig({
  test: {
    passWithNoTests: true,
    // Processes that run tests start with a software WebGPU adapter at hand, so that no GPU is needed.
    // The servers of tests are on this machine: a proxy of the environment is not for them.
    env: { ...softwareAdapter(import.meta.url), no_proxy: "127.0.0.1,localhost" },
    projects: [
      // Beside the code; fast enough to run on every save.
      {
        test: {
          ...limits,
          name: "unit",
          include: ["packages/*/src/**/*.test.ts"],
          exclude: [...exclude, ...waiting],
        },
      },
      { test: { ...limits, name: "waiting", include: waiting, exclude } },
      // What crosses packages: golden parity, end to end, programs as text.
      {
        test: {
          ...limits,
          name: "whole",
          include: ["test/**/*.test.ts"],
          exclude: [...exclude, "test/smollm2.*"],
        },
      },
      { test: { ...limits, name: "long", include: [`packages/*/src/${long}`, `test/${long}`] } },
      // Reads a checkpoint of 135M parameters, so it stays outside `test`.
      { test: { ...limits, name: "smollm2", include: ["test/smollm2.*.ts"] } },
    ],
  },
});
