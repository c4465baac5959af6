/** Whether an engine computes what the ops mean: for users' machines, whose drivers no test of ours has seen. */
import {
  interpret,
  isFloat,
  numbersOf,
  paramsOf,
  type TensorType,
  type Tracer,
  trace,
  type Value,
} from "@fusewire/ir";
import type { Engine } from "../engine.ts";
import type { RowClass } from "../lowered.ts";
import { type LowerOptions, lower } from "../pipeline.ts";
import { numbersFor, type SelfTestCase } from "./case.ts";
import { KERNEL_CASES } from "./kernels.ts";
import { PRODUCT_CASES, ROW_CASES } from "./products.ts";

/** One comparison with the interpreter. */
export interface SelfTestResult {
  readonly kernel: string;
  /** The largest difference, relative to 1 + magnitude. */
  readonly difference: number;
  readonly ok: boolean;
  /** What the engine threw instead of computing. */
  readonly error?: string;
}

export interface SelfTest {
  readonly results: readonly SelfTestResult[];
  /** Whether each row has the same bits alone and among 2, 5 and 21. */
  readonly row_stable: boolean;
  /** The cases in which it has not. */
  readonly unstable: readonly string[];
  readonly ok: boolean;
}

const ROWS = 21;
const FEWER = [1, 2, 5];
const TOLERANCE = 1e-4;

// Expressions go to the kernels as they are written.
const AS_WRITTEN: LowerOptions = { disable: ["canonicalise", "fold_constants", "fuse_qkv"] };

/**
 * Runs every kind of kernel against the interpreter, and rows of 1, 2, 5 and 21 against each other, bit for bit. A
 * kernel that throws ends it, for the device may be of no use after that.
 */
export async function selfTest(engine: Engine): Promise<SelfTest> {
  const results: SelfTestResult[] = [];
  for (const [kernel, given] of Object.entries({ ...KERNEL_CASES, ...PRODUCT_CASES })) {
    const result = await compare(engine, kernel, typeof given === "function" ? { build: given } : given);
    results.push(result);
    if (result.error !== undefined) return { results, row_stable: false, unstable: [], ok: false };
  }
  const unstable: string[] = [];
  for (const [kernel, build] of Object.entries(ROW_CASES))
    if (!(await rowsAreStable(engine, build))) unstable.push(kernel);
  const row_stable = unstable.length === 0;
  return { results, row_stable, unstable, ok: row_stable && results.every(({ ok }) => ok) };
}

async function compare(
  engine: Engine,
  kernel: string,
  { build, rows = "few" }: SelfTestCase,
): Promise<SelfTestResult> {
  const { module, inputs, params } = traced(build);
  const read = (values: ReadonlyMap<string, Value>) => (name: string) => values.get(name)!;
  const { outputs } = interpret(module, "test", { inputs: read(inputs), params: read(params) });
  const expected = outputs.get("y")!;
  try {
    const found = await compute(engine, build, rows);
    const wanted = numbersOf(expected);
    const difference = found.reduce((most, y, i) => Math.max(most, differenceOf(y, wanted[i]!)), 0);
    const tolerance = isFloat(expected.type.dtype) ? TOLERANCE : 0;
    return { kernel, difference, ok: difference <= tolerance };
  } catch (error) {
    return { kernel, difference: Number.POSITIVE_INFINITY, ok: false, error: messageOf(error) };
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const differenceOf = (x: number, y: number): number => (x === y ? 0 : Math.abs(x - y) / (1 + Math.abs(y)));

async function rowsAreStable(
  engine: Engine,
  build: (t: Tracer, rows: number) => ReturnType<SelfTestCase["build"]>,
): Promise<boolean> {
  const all = await compute(engine, (t) => build(t, ROWS), "few");
  for (const rows of FEWER) {
    const found = await compute(engine, (t) => build(t, rows), "few");
    if (found.some((y, i) => !Object.is(y, all[i]))) return false;
  }
  return true;
}

/** The expression as a module, and numbers for its leaves. */
function traced(build: SelfTestCase["build"]) {
  const module = trace({ test: (t) => ({ y: build(t) }) });
  const numbered = (name: string, type: TensorType) => [name, numbersFor(name, type)] as const;
  return {
    module,
    inputs: new Map(module.entries[0]!.inputs.map(({ name, type }) => numbered(name, type))),
    params: new Map([...paramsOf(module)].map(([name, type]) => numbered(name, type))),
  };
}

/** The numbers that the engine gives. */
async function compute(
  engine: Engine,
  build: SelfTestCase["build"],
  rows: RowClass,
): Promise<readonly number[]> {
  const { module, inputs, params } = traced(build);
  const weights = engine.createWeights(async (name) => params.get(name)!);
  const states = engine.createStates([]);
  try {
    const executable = await engine.compile(lower(module, engine, { ...AS_WRITTEN, rows }), weights);
    const outputs = await engine.run(executable, states, inputs);
    executable.dispose();
    return numbersOf(outputs.get("y")!);
  } finally {
    states.dispose();
    weights.dispose();
  }
}
