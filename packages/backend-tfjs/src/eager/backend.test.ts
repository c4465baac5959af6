import * as ir from "@fusewire/ir";
import { tensorType, toValue } from "@fusewire/ir";
import * as tf from "@tensorflow/tfjs-core";
import { expect, test, vi } from "vitest";
import { computeWith } from "../testing/agreement.ts";
import { createEagerEngine } from "./index.ts";

const quiet = ["log", "warn", "error", "info"] as const;

const double = async (name: string) => {
  const engine = await createEagerEngine(name);
  const x = toValue(tensorType("f32", [2]), [1, 2]);
  const y = await computeWith(engine, (t) => ir.mul(t.param("x", x.type), 2), { params: { x } });
  return [...y.data];
};

// First, while no backend has started in this process.
test("starts, several times at once, and computes without a word", async () => {
  const spies = quiet.map((method) => vi.spyOn(console, method));
  const listeners = () =>
    ["uncaughtException", "unhandledRejection"].map((event) => process.listenerCount(event));
  const before = listeners();
  expect(await Promise.all(["wasm", "wasm", "cpu", "cpu"].map(double))).toEqual(Array(4).fill([2, 4]));
  for (const spy of spies) expect(spy).not.toHaveBeenCalled();
  expect(listeners()).toEqual(before);
  expect(tf.env().getBool("PROD")).toBe(false);
  vi.restoreAllMocks();
});

test("names an unknown backend and what there is", async () => {
  await expect(createEagerEngine("webgl")).rejects.toThrow(
    "there is no tfjs backend 'webgl'; available: cpu, wasm; others must be registered with tfjs first",
  );
});

test("names a backend that does not start, and goes on with the one before", async () => {
  await tf.setBackend("cpu");
  tf.registerBackend("broken", () => {
    throw new Error("no device");
  });
  const warn = vi.spyOn(console, "warn");
  await expect(createEagerEngine("broken")).rejects.toThrow(
    "the tfjs backend 'broken' did not start (no device); available: cpu, wasm",
  );
  expect(warn).not.toHaveBeenCalled();
  expect(tf.getBackend()).toBe("cpu");
  tf.removeBackend("broken");
});

test("takes any backend that is registered with tfjs", async () => {
  tf.registerBackend("mine", () => tf.findBackend("cpu"));
  for (const kernel of tf.getKernelsForBackend("cpu")) tf.registerKernel({ ...kernel, backendName: "mine" });
  const engine = await createEagerEngine("mine");
  expect(engine.name).toBe("eager:mine");
  expect(await double("mine")).toEqual([2, 4]);
});

test("leaves tfjs's current backend as the program set it", async () => {
  await tf.setBackend("cpu");
  expect(await double("wasm")).toEqual([2, 4]);
  expect(tf.getBackend()).toBe("cpu");
});
