/** Weights that no binding holds whole: read in parts, with the bits of the whole. */
import * as ir from "@fusewire/ir";
import { randomEnvironment } from "@fusewire/ir/testing";
import { lower, type RowClass } from "@fusewire/passes";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VARIANTS } from "../testing/webgpu.ts";
import { type OpenDevice, openDevice } from "./device/open_device.ts";
import { createWebGpuEngine, type WebGpuOptions } from "./engine.ts";
import { joinHalves } from "./run/parts.ts";

const [ROWS, K, N] = [3, 64, 90];
const LIMIT = 4096;

/** Every way in which a weight is read in parts; each weight takes more than LIMIT bytes. */
const module = ir.trace({
  step: (t) => {
    const f32 = (name: string, ...shape: number[]) => t.param(name, ir.tensorType("f32", shape));
    const x = t.input("x", ir.tensorType("f32", [1, ROWS, K]));
    const ids = t.input("ids", ir.tensorType("i32", [6]));
    const table = f32("table", N, K);
    const narrow = t.param("narrow", ir.tensorType("bf16", [N, K]));
    const quantize = (value: ir.Node, bits: number) => {
      const scales = ir.groupScales(value, ir.integers(bits, 32));
      return [ir.quantizeRows(value, scales, ir.integers(bits, 32)), scales] as const;
    };
    const rows = quantize(ir.reshape(x, [ROWS, K]), 7);
    const codes = quantize(f32("codes", 2 * N, K), 4);
    return {
      linear: ir.linear(x, f32("w", N, K), {
        activation: "gelu_tanh",
        bias: f32("b", N),
        residual: f32("r", 1, ROWS, N),
      }),
      gated: ir.gatedLinear(x, f32("g", 2 * N, K), "silu", f32("c", 2 * N)),
      found: ir.gather(table, ids),
      tied: ir.matmul(x, table, { transposeB: true }),
      narrow: ir.gather(narrow, ids),
      sixteen: ir.linear(x, ir.cast(narrow, "f32"), { activation: "none" }),
      quantized: ir.quantizedMatmul(...rows, ...codes, {
        layout: ir.q4(32),
        gated: true,
        bias: f32("d", 2 * N),
        activation: "silu",
      }),
    };
  },
});

/** The bits of each output, and how many launches they took. */
async function compute(options: WebGpuOptions, rows: RowClass) {
  const engine = await createWebGpuEngine(options);
  const environment = randomEnvironment(module, 7);
  const weights = engine.createWeights(async (name) => environment.params(name));
  const executable = await engine.compile(lower(module, engine, { rows, disable: ["fuse_qkv"] }), weights);
  const inputs = new Map([
    ["x", environment.inputs("x")],
    // First and last of a part, the last of all, and two outside.
    ["ids", ir.toValue(ir.tensorType("i32", [6]), [0, 15, 16, 89, 200, -3])],
  ]);
  const outputs = await engine.run(executable, engine.createStates([]), inputs);
  engine.dispose();
  const bytes = [...outputs].map(([name, { data }]) => [name, Buffer.from(data.buffer).toString("hex")]);
  return { launches: executable.launches, bytes: Object.fromEntries(bytes) as Record<string, string> };
}

describe("on the software adapter", () => {
  let device: OpenDevice;
  beforeAll(async () => {
    device = await openDevice();
  });
  afterAll(() => device.dispose());

  test.each([
    ["a thread a line", "few"],
    ["a workgroup a line", "chunk"],
  ] as const)("weights in parts give the bits of whole ones: %s, %s", async (name, rows) => {
    const variant = VARIANTS[name]!;
    const whole = await compute({ device, variant }, rows);
    const parts = await compute({ device, variant, largest_binding: LIMIT }, rows);
    expect(parts.bytes).toEqual(whole.bytes);
    // Parts of 16 columns: 6 of each matrix and table of f32; of 8 where gated, 12; of 32 in 16 bits, 3; of 64, 2.
    expect(parts.launches - whole.launches).toBe(3 * 5 + 11 + 2 * 2 + 1);
  });
});

test("gate and up rows of each part lie together", () => {
  const rows = Uint8Array.from([0, 1, 2, 3, 4, 10, 11, 12, 13, 14]);
  expect([...joinHalves(rows, 10, 2)]).toEqual([0, 1, 10, 11, 2, 3, 12, 13, 4, 14]);
});
