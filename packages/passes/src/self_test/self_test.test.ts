import { castValue, defOf, floats } from "@fusewire/ir";
import { expect, test } from "vitest";
import type { Engine } from "../engine/engine.ts";
import { createReferenceEngine } from "../engine/reference_engine.ts";
import { selfTest } from "./self_test.ts";

/** The interpreter, with each output changed by what `change` does to its numbers. */
function broken(change: (numbers: Float32Array, rows: number) => void): Engine {
  const engine = createReferenceEngine();
  return {
    ...engine,
    async run(executable, states, inputs) {
      const outputs = await engine.run(executable, states, inputs);
      return new Map(
        [...outputs].map(([name, value]) => {
          if (value.type.dtype !== "f32") return [name, value];
          const changed = castValue(value, "f32");
          const data = floats(changed).slice();
          change(data, value.type.shape[0] ?? 1);
          return [name, { ...changed, data }];
        }),
      );
    },
  };
}

test("core ops agree with the composites that they spell out", async () => {
  const { ok, row_stable, results } = await selfTest(createReferenceEngine((op) => !defOf({ op }).expand));
  expect({ ok, row_stable }).toEqual({ ok: true, row_stable: true });
  expect(results.length).toBeGreaterThan(40);
});

test("one wrong number is found, NaN too", async () => {
  for (const wrong of [1.01, Number.NaN]) {
    const { ok, results } = await selfTest(
      broken((numbers) => {
        numbers[numbers.length - 1]! += wrong;
      }),
    );
    expect(ok).toBe(false);
    expect(results.filter((one) => !one.ok).length).toBeGreaterThan(20);
  }
});

test("an engine that gives nothing is found", async () => {
  const engine = createReferenceEngine();
  const run: Engine["run"] = async (executable, states, inputs) =>
    new Map(
      [...(await engine.run(executable, states, inputs))].map(([name, { type }]) => [
        name,
        { type, data: new Float32Array(0) },
      ]),
    );
  const { ok, results } = await selfTest({ ...engine, run });
  expect(ok).toBe(false);
  expect(results).toMatchObject([
    { ok: false, error: expect.stringMatching(/^gave 0 numbers instead of \d+$/) },
  ]);
});

test("a last bit that depends on the number of rows is found", async () => {
  const { ok, row_stable, unstable, results } = await selfTest(
    broken((numbers, rows) => {
      if (rows === 5) numbers[0]! *= 1 + 2 ** -22;
    }),
  );
  expect({ ok, row_stable }).toEqual({ ok: false, row_stable: false });
  expect(unstable).toContain("rows of a product, bf16 weights");
  expect(results.filter((one) => !one.ok)).toEqual([]);
});

test("an engine that throws is told by its message, and nothing is run after it", async () => {
  const engine = createReferenceEngine();
  const run: Engine["run"] = async () => {
    throw new Error("the device is gone");
  };
  const { ok, results } = await selfTest({ ...engine, run });
  expect(ok).toBe(false);
  expect(results).toMatchObject([{ ok: false, error: "the device is gone" }]);
});
