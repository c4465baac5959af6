/** Whether the kernels do on this device what they mean: for users' machines, whose drivers no test has seen. */
import {
  attention,
  constant,
  type DenseNorm,
  dense,
  hash32,
  interpret,
  type Node,
  numbersOf,
  sizeOf,
  type TensorType,
  type Tracer,
  tensorType,
  topK,
  topP,
  toValue,
  trace,
  type Value,
} from "@fusewire/ir";
import { toLowered } from "@fusewire/passes";
import type { WebGpuEngine } from "./engine.ts";

/** One comparison: the largest difference from the interpreter, relative to 1 + magnitude. */
export interface SelfTestResult {
  readonly kernel: string;
  readonly difference: number;
  readonly ok: boolean;
}

export interface SelfTest {
  readonly results: readonly SelfTestResult[];
  /** Whether a row's results have the same bits alone and beside others. */
  readonly row_stable: boolean;
  readonly ok: boolean;
}

const K = 192;
const N = 72;
const ROWS = 21;
const TOLERANCE = 1e-4;

/** Numbers in -1..1 that depend on the name alone. */
function numbers(name: string, type: TensorType): Value {
  const salt = [...name].reduce((hash, letter) => hash32(hash ^ letter.charCodeAt(0)), 0);
  const values = Array.from({ length: sizeOf(type.shape) }, (_, i) => hash32(i ^ salt) / 2 ** 31 - 1);
  return toValue(type, values);
}

/** A product with a norm before it, of x: [rows, K]. */
function product(t: Tracer, rows: number, dtype: "f32" | "f16" | "bf16"): Node {
  const x = t.input("x", tensorType("f32", [rows, K]));
  const norm: DenseNorm = { gain: t.input("gain", tensorType("f32", [K])), eps: 1e-5 };
  const weight = t.input(`weight ${dtype}`, tensorType(dtype, [2 * N, K]));
  return dense(x, { weight, activation: "silu", gated: true }, norm);
}

function attend(t: Tracer, length: number): Node {
  const f32 = (name: string, ...shape: number[]) => t.input(name, tensorType("f32", shape));
  const at = (of: (k: number) => number) =>
    constant(
      t.table,
      Array.from({ length }, (_, k) => of(k)),
      "i32",
      [1, length],
    );
  const caches = [f32("keys", 1, 2, 160, 32), f32("values", 1, 2, 160, 32)] as const;
  const row = constant(t.table, 0, "i32", [1]);
  const [lo, hi] = [at(() => 3), at((k) => 100 + k)];
  return attention(f32("q", 1, 6, length, 32), ...caches, row, lo, hi, { scale: 0.2, softcap: 5 });
}

const scores = (t: Tracer) => t.input("scores", tensorType("f32", [2, 500]));

const CASES: Readonly<Record<string, (t: Tracer) => Node>> = {
  "product, f32 weights": (t) => product(t, 3, "f32"),
  "product, f16 weights": (t) => product(t, 3, "f16"),
  "product, bf16 weights": (t) => product(t, 3, "bf16"),
  "attention, one token": (t) => attend(t, 1),
  "attention, a prompt": (t) => attend(t, 40),
  top_k: (t) => topK(scores(t), constant(t.table, [40, 0], "i32", [2])),
  top_p: (t) => topP(scores(t), constant(t.table, [0.7, 0.3], "f32", [2])),
};

/** Runs every kind of kernel in the engine's variant, against the interpreter, and rows of 1, 2, 5 and 21 bit for bit. */
export async function selfTest(engine: WebGpuEngine): Promise<SelfTest> {
  const results: SelfTestResult[] = [];
  for (const [kernel, build] of Object.entries(CASES)) {
    const { found, expected } = await compute(engine, build);
    const difference = Math.max(...found.map((x, i) => differenceOf(x, expected[i]!)));
    results.push({ kernel, difference, ok: difference <= TOLERANCE });
  }
  const row_stable = await rowsAreStable(engine);
  return { results, row_stable, ok: results.every(({ ok }) => ok) };
}

const differenceOf = (x: number, y: number): number => (x === y ? 0 : Math.abs(x - y) / (1 + Math.abs(y)));

async function rowsAreStable(engine: WebGpuEngine): Promise<boolean> {
  const { found: all } = await compute(engine, (t) => product(t, ROWS, "f32"));
  for (const rows of [1, 2, 5]) {
    const { found } = await compute(engine, (t) => product(t, rows, "f32"));
    if (found.some((x, i) => !Object.is(x, all[i]))) return false;
  }
  return true;
}

async function compute(engine: WebGpuEngine, build: (t: Tracer) => Node) {
  const module = trace({ test: (t) => ({ y: build(t) }) });
  const { inputs: declared } = module.entries[0]!;
  const inputs = new Map(declared.map(({ name, type }) => [name, numbers(name, type)]));
  const weights = engine.createWeights(async (name) =>
    Promise.reject(new Error(`there is no weight ${name}`)),
  );
  const states = engine.createStates([]);
  const executable = await engine.compile(toLowered(module), weights);
  const outputs = await engine.run(executable, states, inputs);
  for (const part of [executable, states, weights]) part.dispose();
  const expected = interpret(module, "test", { inputs: (name) => inputs.get(name)! });
  return { found: numbersOf(outputs.get("y")!), expected: numbersOf(expected.outputs.get("y")!) };
}
