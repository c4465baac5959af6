/**
 * No helper sleeps beside an open step: `kernels/threads.ts` itself, made a generator for each thread that stops at every
 * atomic access, in all orders that the threads can take.
 */
import { readFileSync } from "node:fs";
import ts from "typescript";
import { expect, test } from "vitest";
import * as ids from "./ids.ts";

type Kind = "load" | "store" | "add" | "sub" | "wait" | "notify";
interface Access {
  readonly kind: Kind;
  readonly word: number;
  readonly value: number;
}
/** Yields each access, is given what it reads, and returns what its function does. */
type Thread = Generator<Access, unknown, number>;
type Protocol = Readonly<Record<"open" | "awaitStep", (control: number, ...rest: number[]) => Thread>>;

function* access(kind: Kind, address: number, value = 0): Thread {
  return yield { kind, word: address >> 2, value };
}

const source = readFileSync(new URL("../kernels/threads.ts", import.meta.url), "utf8");

/** Every function a generator, every call of one a `yield*`; one turn of spinning stands for many. */
function protocolOf(text: string): Protocol {
  const plain = text
    .replaceAll("@inline ", "")
    .replaceAll("export function", "function")
    .replace(/^import .*$/m, "")
    .replace(/(const PATIENCE: u32 =).*;/, "$1 1;")
    .replace(/^.*for \(let k = 0; k < 16; k\+\+\).*$/m, "");
  const own = new Set([...plain.matchAll(/function (\w+)/g)].map(([, name]) => name!));
  const { factory } = ts;
  const transform: ts.TransformerFactory<ts.SourceFile> = (context) => (file) => {
    const visit = (node: ts.Node): ts.Node => {
      const inner = ts.visitEachChild(node, visit, context);
      if (ts.isFunctionDeclaration(inner))
        return factory.updateFunctionDeclaration(
          inner,
          inner.modifiers,
          factory.createToken(ts.SyntaxKind.AsteriskToken),
          inner.name,
          undefined,
          inner.parameters,
          undefined,
          inner.body,
        );
      if (!ts.isCallExpression(inner)) return inner;
      const { expression: callee } = inner;
      const atomic = ts.isPropertyAccessExpression(callee) && callee.expression.getText(file) === "atomic";
      if (!atomic && !(ts.isIdentifier(callee) && own.has(callee.text))) return inner;
      const stepped = factory.createYieldExpression(factory.createToken(ts.SyntaxKind.AsteriskToken), inner);
      return factory.createParenthesizedExpression(stepped);
    };
    return ts.visitEachChild(file, visit, context);
  };
  const { outputText } = ts.transpileModule(plain, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
    transformers: { before: [transform] },
  });
  const atomic = Object.fromEntries(
    (["load", "store", "add", "sub", "wait", "notify"] as const).map((kind) => [
      kind,
      (address: number, value?: number) => access(kind, address, value),
    ]),
  );
  return new Function(
    "ids",
    "atomic",
    `${outputText.replace(/^export .*$/m, "")}\nreturn { open, awaitStep };`,
  )(ids, atomic) as Protocol;
}

/** What threads return, in one order of their accesses; "asleep" is one that nobody will wake. */
type Ending = readonly unknown[];

/** Runs the threads along `order`, then says where they are. */
function replay(threads: readonly (() => Thread)[], order: readonly number[]) {
  const words = new Int32Array(ids.CONTROL_WORDS);
  const seen: number[][] = threads.map(() => []);
  const running = threads.map((start) => start());
  const states = running.map((thread) => ({ at: thread.next(), asleep: false }));
  const advance = (k: number, result: number): void => {
    seen[k]!.push(result);
    states[k] = { at: running[k]!.next(result), asleep: false };
  };
  for (const k of order) {
    const { kind, word, value } = states[k]!.at.value as Access;
    const before = words[word]!;
    if (kind === "wait" && before === value) states[k]!.asleep = true;
    else advance(k, before);
    if (kind === "store") words[word] = value;
    if (kind === "add") words[word] = before + value;
    if (kind === "sub") words[word] = before - value;
    if (kind !== "notify") continue;
    for (const [other, { at, asleep }] of states.entries())
      if (asleep && (at.value as Access).word === word) advance(other, 0);
  }
  const able = states.flatMap(({ at, asleep }, k) => (at.done || asleep ? [] : [k]));
  const ending: Ending = states.map(({ at, asleep }) => (asleep ? "asleep" : at.value));
  return { able, ending, key: JSON.stringify([[...words], seen, states.map(({ asleep }) => asleep)]) };
}

/** How the threads can end, over all orders. What a thread has read decides where it is, so equal states are seen once. */
function endings(...threads: readonly (() => Thread)[]): ReadonlySet<string> {
  const found = new Set<string>();
  const known = new Set<string>();
  const orders: (readonly number[])[] = [[]];
  for (let order = orders.pop(); order; order = orders.pop()) {
    const { able, ending, key } = replay(threads, order);
    if (known.has(key)) continue;
    known.add(key);
    if (able.length === 0) found.add(JSON.stringify(ending));
    for (const k of able) orders.push([...order, k]);
  }
  return found;
}

const CONTROL = 0;
const open =
  (protocol: Protocol): (() => Thread) =>
  () =>
    protocol.open(CONTROL, 4096, 1);
const helper =
  (protocol: Protocol): (() => Thread) =>
  () =>
    protocol.awaitStep(CONTROL);
/** What `stop` of `threads.ts` does. */
function* stop(): Thread {
  yield* access("store", 4 * ids.STOP, 1);
  yield* access("add", 4 * ids.WAKE, 1);
  yield* access("notify", 4 * ids.WAKE, -1);
  return "stopped";
}
const ended = (...ending: unknown[]): string => JSON.stringify(ending);

test("helpers see a step that opens, and a stop, whenever it comes", () => {
  const protocol = protocolOf(source);
  expect([...endings(open(protocol), helper(protocol))]).toEqual([ended(undefined, true)]);
  expect([...endings(open(protocol), helper(protocol), helper(protocol))]).toEqual([
    ended(undefined, true, true),
  ]);
  expect([...endings(stop, helper(protocol))]).toEqual([ended("stopped", false)]);
});

test("other orders of the same accesses lose a wake-up, and are found", () => {
  const changed = (from: string, to: string): Protocol => {
    expect(source).toContain(from);
    return protocolOf(source.replace(from, to));
  };
  // The last look at OPEN comes before the helper is counted.
  const unseen = changed("if (!isOpen(control)) atomic.wait", "atomic.wait");
  expect(endings(open(unseen), helper(unseen))).toContain(ended(undefined, "asleep"));
  // WAKE is read after STOP.
  const loop = "while (get(control, ids.STOP) == 0) {";
  const late = changed(loop, `${loop} wakes = get(control, ids.WAKE);`);
  expect(endings(stop, helper(late))).toContain(ended("stopped", "asleep"));
  // SLEEPERS are read before OPEN is written.
  const early = changed(
    `set(control, ids.OPEN, <u32>(NONE + <i32>pieces));`,
    `const sleepers = get(control, ids.SLEEPERS);
  set(control, ids.OPEN, <u32>(NONE + <i32>pieces));
  if (sleepers > 0) rouse(control);
  return;`,
  );
  expect(endings(open(early), helper(early))).toContain(ended(undefined, "asleep"));
});
