/** Whether an engine computes what the ops mean: for users' machines, whose drivers no test of ours has seen. */
import { interpret, isFloat, numbersOf, paramsOf, type TensorType, trace, type Value } from "@fusewire/ir";
import type { Engine } from "../engine/engine.ts";
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
  /** Whether each row has the same bits alone and among 2, 5 and 21; undefined where that was not tried. */
  readonly row_stable: boolean | undefined;
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
 * Runs every kind of kernel against the interpreter, and rows of 1, 2, 5 and 21 against each other, bit for bit; or
 * those alone that `wanted` takes by name. Programs are compiled side by side and run one after another. A kernel that
 * throws ends it, for the device may be of no use after that.
 */
export async function selfTest(engine: Engine, wanted = (_kernel: string) => true): Promise<SelfTest> {
  const begun: Work[] = [];
  const begin = (given: SelfTestCase | SelfTestCase["build"]): Work => {
    const work = beginWork(engine, typeof given === "function" ? { build: given } : given);
    begun.push(work);
    return work;
  };
  const casesOf = <T>(cases: Readonly<Record<string, T>>) =>
    Object.entries(cases).filter(([kernel]) => wanted(kernel));
  const kernels = casesOf({ ...KERNEL_CASES, ...PRODUCT_CASES }).map(
    ([kernel, given]) => [kernel, begin(given)] as const,
  );
  const rows = casesOf(ROW_CASES).map(([kernel, build]) => {
    const of = (count: number) => begin((t) => build(t, count));
    return [kernel, of(ROWS), FEWER.map(of)] as const;
  });
  const results: SelfTestResult[] = [];
  const unstable: string[] = [];
  try {
    for (const [kernel, work] of kernels) {
      const result = await compare(kernel, work);
      results.push(result);
      if (result.error !== undefined) return { results, row_stable: undefined, unstable, ok: false };
    }
    for (const [kernel, all, fewer] of rows) if (!(await rowsAreStable(all, fewer))) unstable.push(kernel);
  } finally {
    for (const work of begun) await work.end();
  }
  const row_stable = rows.length === 0 ? undefined : unstable.length === 0;
  return { results, row_stable, unstable, ok: row_stable !== false && results.every(({ ok }) => ok) };
}

async function compare(kernel: string, work: Work): Promise<SelfTestResult> {
  const expected = work.expected();
  try {
    const found = await work.run();
    const wanted = numbersOf(expected);
    if (found.length !== wanted.length)
      throw new Error(`gave ${found.length} numbers instead of ${wanted.length}`);
    const difference = found.reduce((most, y, i) => Math.max(most, differenceOf(y, wanted[i]!)), 0);
    const tolerance = isFloat(expected.type.dtype) ? TOLERANCE : 0;
    return { kernel, difference, ok: difference <= tolerance };
  } catch (error) {
    return { kernel, difference: Number.POSITIVE_INFINITY, ok: false, error: messageOf(error) };
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const differenceOf = (x: number, y: number): number => (x === y ? 0 : Math.abs(x - y) / (1 + Math.abs(y)));

async function rowsAreStable(all: Work, fewer: readonly Work[]): Promise<boolean> {
  const expected = await all.run();
  for (const work of fewer) {
    const found = await work.run();
    if (found.some((y, i) => !Object.is(y, expected[i]))) return false;
  }
  return true;
}

/** An expression that the engine is compiling, and numbers for its leaves. */
interface Work {
  /** What the interpreter gives. */
  expected(): Value;
  /** The numbers that the engine gives. */
  run(): Promise<readonly number[]>;
  end(): Promise<void>;
}

function beginWork(engine: Engine, { build, rows = "few" }: SelfTestCase): Work {
  const module = trace({ test: (t) => ({ y: build(t) }) });
  const numbered = (name: string, type: TensorType) => [name, numbersFor(name, type)] as const;
  const inputs = new Map(module.entries[0]!.inputs.map(({ name, type }) => numbered(name, type)));
  const params = new Map([...paramsOf(module)].map(([name, type]) => numbered(name, type)));
  const read = (values: ReadonlyMap<string, Value>) => (name: string) => values.get(name)!;
  const weights = engine.createWeights(async (name) => params.get(name)!);
  const compile = async () => engine.compile(lower(module, engine, { ...AS_WRITTEN, rows }), weights);
  const program = compile();
  // An error is told when the program is to be run.
  program.catch(() => undefined);
  return {
    expected: () =>
      interpret(module, "test", { inputs: read(inputs), params: read(params) }).outputs.get("y")!,
    async run() {
      const states = engine.createStates([]);
      try {
        const outputs = await engine.run(await program, states, inputs);
        return numbersOf(outputs.get("y")!);
      } finally {
        states.dispose();
      }
    },
    async end() {
      await program.then(
        (executable) => executable.dispose(),
        () => undefined,
      );
      weights.dispose();
    },
  };
}
