import { type Module, parseModule, verify } from "@fusewire/ir";
import { arbitraryModule } from "@fusewire/ir/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { MemoryRules } from "../engine/engine.ts";
import { type Lowered, toLowered } from "../engine/lowered.ts";
import { expectProgram, largestLiveSet, plan, RULES } from "../testing/compare_program.ts";
import { edit, entryText } from "../testing/text.ts";
import { printProgram, scratchBytes } from "./program.ts";

const WEBGPU: MemoryRules = { alignment: 256, readWriteSameBuffer: false };
const HOST: MemoryRules = { alignment: 4, readWriteSameBuffer: true };

const lowered = (statements: string): Lowered => toLowered(parseModule(entryText(statements)));

/** The program's text, after it gave the interpreter's results under every engine's rules. */
function program(statements: string, rules: MemoryRules = HOST): string {
  for (const each of RULES) expectProgram(lowered(statements), each, 7);
  return printProgram(plan(lowered(statements), rules));
}

const state = (id: number, name: string, n = 4): string =>
  `%${id} = state {dtype="f32", name="${name}", shape=[${n}]} : f32[${n}]`;
const input = (id: number, name: string, n = 4): string =>
  `%${id} = input {dtype="f32", name="${name}", shape=[${n}]} : f32[${n}]`;

const CACHE = `%0 = state {dtype="f32", name="cache", shape=[2,3,2]} : f32[2,3,2]
  %1 = input {dtype="i32", name="rows", shape=[1]} : i32[1]
  %2 = input {dtype="i32", name="at", shape=[1]} : i32[1]
  %3 = input {dtype="i32", name="count", shape=[1]} : i32[1]
  %4 = input {dtype="f32", name="new", shape=[1,1,2]} : f32[1,1,2]
  %5 = cache_write %0 %1 %2 %3 %4 {axis=1, ring=false} : f32[2,3,2]
  write "cache" = %5`;

describe("new values of states", () => {
  test("an in-place op overwrites the state, after all that reads the old value, through views too", () => {
    expect(
      program(`${CACHE}
        %6 = reduce_sum %5 {axis=1} : f32[2,1,2]
        %7 = reshape %0 {shape=[12]} : f32[12]
        %8 = slice %7 {sizes=[4], starts=[0]} : f32[4]
        %9 = exp %8 : f32[4]
        return "new" = %6
        return "old" = %9`),
    ).toMatchInlineSnapshot(`
      "program main: 3 launches
        state cache: 48 bytes
        slot slot0: 16 bytes
        slot slot1: 16 bytes
        slot0:f32[4] = exp(cache:f32[4])
        cache:f32[2,3,2] = cache_write(cache:f32[2,3,2], rows:i32[1], at:i32[1], count:i32[1], new:f32[1,1,2]) {axis=1, ring=false}
        slot1:f32[2,1,2] = reduce_sum(cache:f32[2,3,2]) {axis=1}
        return new = slot1:f32[2,1,2]
        return old = slot0:f32[4]
      "
    `);
  });

  test("any other op writes straight into the state when nothing reads its old value later", () => {
    expect(
      program(`${state(0, "s")}\n${input(1, "x")}
        %2 = mul %0 %1 : f32[4]
        %3 = cumsum %2 {axis=0} : f32[4]
        %4 = reshape %3 {shape=[2,2]} : f32[2,2]
        %5 = reshape %4 {shape=[4]} : f32[4]
        write "s" = %5
        return "y" = %2`),
    ).toMatchInlineSnapshot(`
      "program main: 2 launches
        state s: 16 bytes
        slot slot0: 16 bytes
        slot0:f32[4] = mul(s:f32[4], x:f32[4])
        s:f32[4] = cumsum(slot0:f32[4]) {axis=0}
        return y = slot0:f32[4]
      "
    `);
  });

  test("an op that reads the state itself gets memory of its own, and a copy follows", () => {
    expect(
      program(`${state(0, "s")}\n%1 = cumsum %0 {axis=0} : f32[4]\nwrite "s" = %1`),
    ).toMatchInlineSnapshot(`
      "program main: 2 launches
        state s: 16 bytes
        slot slot0: 16 bytes
        copies the new value of s: cumsum reads what it would overwrite
        slot0:f32[4] = cumsum(s:f32[4]) {axis=0}
        s:f32[4] = copy(slot0:f32[4])
      "
    `);
  });

  test("two states exchange their values", () => {
    expect(
      program(`${state(0, "a")}\n${state(1, "b")}\nwrite "a" = %1\nwrite "b" = %0`),
    ).toMatchInlineSnapshot(`
      "program main: 4 launches
        state a: 16 bytes
        state b: 16 bytes
        slot slot0: 16 bytes
        slot slot1: 16 bytes
        copies the old value of a: 'b' keeps it
        copies the old value of b: 'a' keeps it
        copies the new value of a: no step computes it
        copies the new value of b: no step computes it
        slot0:f32[4] = copy(a:f32[4])
        slot1:f32[4] = copy(b:f32[4])
        a:f32[4] = copy(slot1:f32[4])
        b:f32[4] = copy(slot0:f32[4])
      "
    `);
  });

  test("three states go round, and one gets what another had while that is overwritten in place", () => {
    expect(
      program(`${state(0, "a")}\n${state(1, "b")}\n${state(2, "c")}
        write "a" = %1\nwrite "b" = %2\nwrite "c" = %0`),
    ).toContain("6 launches");
    expect(
      program(`${CACHE}
      %6 = state {dtype="f32", name="before", shape=[2,3,2]} : f32[2,3,2]
      %7 = reduce_sum %6 {axis=1} : f32[2,1,2]
      write "before" = %0
      return "y" = %7`),
    ).toMatchInlineSnapshot(`
      "program main: 4 launches
        state cache: 48 bytes
        state before: 48 bytes
        slot slot0: 48 bytes
        slot slot1: 16 bytes
        copies the old value of cache: 'before' keeps it
        copies the new value of before: no step computes it
        slot0:f32[2,3,2] = copy(cache:f32[2,3,2])
        slot1:f32[2,1,2] = reduce_sum(before:f32[2,3,2]) {axis=1}
        before:f32[2,3,2] = copy(slot0:f32[2,3,2])
        cache:f32[2,3,2] = cache_write(cache:f32[2,3,2], rows:i32[1], at:i32[1], count:i32[1], new:f32[1,1,2]) {axis=1, ring=false}
        return y = slot1:f32[2,1,2]
      "
    `);
  });

  test("new values that each need the other's old value: one is written directly, one copied", () => {
    const crossed = `${state(0, "a")}\n${state(1, "b")}
      %2 = exp %0 : f32[4]
      %3 = neg %1 : f32[4]
      write "a" = %3
      write "b" = %2`;
    expect(program(crossed)).toMatchInlineSnapshot(`
      "program main: 3 launches
        state a: 16 bytes
        state b: 16 bytes
        slot slot0: 16 bytes
        copies the new value of b: the old value is read after it is made
        slot0:f32[4] = exp(a:f32[4])
        a:f32[4] = neg(b:f32[4])
        b:f32[4] = copy(slot0:f32[4])
      "
    `);
    const waiting = `${state(0, "a")}\n${state(1, "b")}\n${input(2, "x")}\n${input(3, "y")}
      %4 = exp %2 : f32[4]
      %5 = neg %3 : f32[4]
      %6 = add %0 %5 : f32[4]
      %7 = add %1 %4 : f32[4]
      write "a" = %4\nwrite "b" = %5
      return "r1" = %6\nreturn "r2" = %7`;
    expect(program(waiting).match(/copy/g)).toHaveLength(1);
  });

  test("the same value for two states, a leaf's value, its own value, and no value", () => {
    expect(
      program(`${state(0, "a")}\n${state(1, "b")}\n${state(2, "c")}\n${state(3, "kept")}\n${state(4, "unwritten")}
        ${input(5, "x")}
        %6 = exp %5 : f32[4]
        %7 = add %3 %4 : f32[4]
        %8 = reshape %3 {shape=[2,2]} : f32[2,2]
        %9 = reshape %8 {shape=[4]} : f32[4]
        write "a" = %6\nwrite "b" = %6\nwrite "c" = %5\nwrite "kept" = %9
        return "y" = %7`),
    ).toMatchInlineSnapshot(`
      "program main: 4 launches
        state a: 16 bytes
        state b: 16 bytes
        state c: 16 bytes
        state kept: 16 bytes
        state unwritten: 16 bytes
        slot slot0: 16 bytes
        copies the new value of b: another state has the same one
        copies the new value of c: no step computes it
        slot0:f32[4] = add(kept:f32[4], unwritten:f32[4])
        c:f32[4] = copy(x:f32[4])
        a:f32[4] = exp(x:f32[4])
        b:f32[4] = copy(a:f32[4])
        return y = slot0:f32[4]
      "
    `);
  });

  test("a chain of in-place ops works on the state throughout, unless a value between is kept", () => {
    const chain = edit(CACHE, [
      'write "cache" = %5',
      '%6 = cache_write %5 %1 %3 %2 %4 {axis=1, ring=false} : f32[2,3,2]\nwrite "cache" = %6',
    ]);
    expect(program(chain)).toMatchInlineSnapshot(`
      "program main: 2 launches
        state cache: 48 bytes
        cache:f32[2,3,2] = cache_write(cache:f32[2,3,2], rows:i32[1], at:i32[1], count:i32[1], new:f32[1,1,2]) {axis=1, ring=false}
        cache:f32[2,3,2] = cache_write(cache:f32[2,3,2], rows:i32[1], count:i32[1], at:i32[1], new:f32[1,1,2]) {axis=1, ring=false}
      "
    `);
    expect(program(`${chain}\nreturn "between" = %5`)).toMatchInlineSnapshot(`
      "program main: 5 launches
        state cache: 48 bytes
        slot slot0: 48 bytes
        slot slot1: 48 bytes
        copies the new value of cache: a value on the way to it is kept
        copies the value of cache: cache_write works on a copy
        slot0:f32[2,3,2] = copy(cache:f32[2,3,2])
        slot0:f32[2,3,2] = cache_write(slot0:f32[2,3,2], rows:i32[1], at:i32[1], count:i32[1], new:f32[1,1,2]) {axis=1, ring=false}
        slot1:f32[2,3,2] = copy(slot0:f32[2,3,2])
        slot1:f32[2,3,2] = cache_write(slot1:f32[2,3,2], rows:i32[1], count:i32[1], at:i32[1], new:f32[1,1,2]) {axis=1, ring=false}
        cache:f32[2,3,2] = copy(slot1:f32[2,3,2])
        return between = slot0:f32[2,3,2]
      "
    `);
  });

  test("an in-place op on something else works on a copy where that lives on, and on the thing itself where not", () => {
    const other = edit(
      CACHE,
      ["cache_write %0", "cache_write %7"],
      ["%5 =", '%7 = input {dtype="f32", name="other", shape=[2,3,2]} : f32[2,3,2]\n%5 ='],
    );
    expect(program(`${other}\n%8 = exp %0 : f32[2,3,2]\nreturn "y" = %8`)).toMatchInlineSnapshot(`
      "program main: 3 launches
        state cache: 48 bytes
        slot slot0: 48 bytes
        copies the value of cache: cache_write works on a copy
        slot0:f32[2,3,2] = exp(cache:f32[2,3,2])
        cache:f32[2,3,2] = copy(other:f32[2,3,2])
        cache:f32[2,3,2] = cache_write(cache:f32[2,3,2], rows:i32[1], at:i32[1], count:i32[1], new:f32[1,1,2]) {axis=1, ring=false}
        return y = slot0:f32[2,3,2]
      "
    `);
    const spent = edit(
      CACHE,
      ['write "cache" = %5', 'return "y" = %5'],
      ["%0 = state", "%9 = input"],
      ["%1 = input", "%0 = exp %9 : f32[2,3,2]\n%1 = input"],
    );
    expect(program(spent)).toMatchInlineSnapshot(`
      "program main: 2 launches
        slot slot0: 48 bytes
        slot0:f32[2,3,2] = exp(cache:f32[2,3,2])
        slot0:f32[2,3,2] = cache_write(slot0:f32[2,3,2], rows:i32[1], at:i32[1], count:i32[1], new:f32[1,1,2]) {axis=1, ring=false}
        return y = slot0:f32[2,3,2]
      "
    `);
    expect(program(`${spent}\nreturn "z" = %0`)).toContain("copy");
  });

  test("an in-place op whose other inputs show the state does not work on the state itself", () => {
    expect(
      program(
        edit(CACHE, [
          '%4 = input {dtype="f32", name="new", shape=[1,1,2]} : f32[1,1,2]',
          "%4 = slice %0 {sizes=[1,1,2], starts=[0,0,0]} : f32[1,1,2]",
        ]),
      ),
    ).toMatchInlineSnapshot(`
      "program main: 3 launches
        state cache: 48 bytes
        slot slot0: 48 bytes
        copies the new value of cache: cache_write reads what it would overwrite
        copies the value of cache: cache_write works on a copy
        slot0:f32[2,3,2] = copy(cache:f32[2,3,2])
        slot0:f32[2,3,2] = cache_write(slot0:f32[2,3,2], rows:i32[1], at:i32[1], count:i32[1], cache:f32[1,1,2]) {axis=1, ring=false}
        cache:f32[2,3,2] = copy(slot0:f32[2,3,2])
      "
    `);
  });
});

describe("outputs", () => {
  test("that are leaves, views of leaves, and states before and after they change", () => {
    expect(
      program(`${state(0, "s")}\n${state(1, "same")}\n${input(2, "x")}
        %3 = param {dtype="f32", name="w", shape=[4]} : f32[4]
        %4 = constant {dtype="f32", shape=[4], values=[7]} : f32[4]
        %5 = exp %2 : f32[4]
        %6 = reshape %0 {shape=[2,2]} : f32[2,2]
        %7 = slice %0 {sizes=[2], starts=[1]} : f32[2]
        write "s" = %5
        return "old" = %0\nreturn "old view" = %6\nreturn "old part" = %7\nreturn "new" = %5
        return "same" = %1\nreturn "x" = %2\nreturn "w" = %3\nreturn "c" = %4`),
    ).toMatchInlineSnapshot(`
      "program main: 2 launches
        state s: 16 bytes
        state same: 16 bytes
        slot slot0: 16 bytes
        copies the old value of s: 'old' keeps it
        slot0:f32[4] = copy(s:f32[4])
        s:f32[4] = exp(x:f32[4])
        return old = slot0:f32[4]
        return old view = slot0:f32[2,2]
        return old part = slot0+4:f32[2]
        return new = s:f32[4]
        return same = same:f32[4]
        return x = x:f32[4]
        return w = w:f32[4]
        return c = [7]:f32[4]
      "
    `);
  });
});

describe("slices", () => {
  const SLICES = `%0 = input {dtype="f32", name="x", shape=[2,3,64]} : f32[2,3,64]
    %1 = exp %0 : f32[2,3,64]
    %2 = slice %1 {sizes=[1,2,64], starts=[1,1,0]} : f32[1,2,64]
    %3 = slice %1 {sizes=[2,1,64], starts=[0,0,0]} : f32[2,1,64]
    %4 = slice %1 {sizes=[1,1,32], starts=[0,2,32]} : f32[1,1,32]
    %5 = neg %2 : f32[1,2,64]
    %6 = neg %3 : f32[2,1,64]
    %7 = neg %4 : f32[1,1,32]
    return "run" = %5\nreturn "apart" = %6\nreturn "unaligned" = %7`;

  test("are views where their elements lie in one run", () => {
    expect(program(SLICES)).toMatchInlineSnapshot(`
      "program main: 5 launches
        slot slot0: 1536 bytes
        slot slot1: 512 bytes
        slot slot2: 512 bytes
        slot slot3: 128 bytes
        slot0:f32[2,3,64] = exp(x:f32[2,3,64])
        slot1:f32[1,2,64] = neg(slot0+1024:f32[1,2,64])
        slot2:f32[2,1,64] = slice(slot0:f32[2,3,64]) {sizes=[2,1,64], starts=[0,0,0]}
        slot2:f32[2,1,64] = neg(slot2:f32[2,1,64])
        slot3:f32[1,1,32] = neg(slot0+640:f32[1,1,32])
        return run = slot1:f32[1,2,64]
        return apart = slot2:f32[2,1,64]
        return unaligned = slot3:f32[1,1,32]
      "
    `);
  });

  test("are copied where the run starts unaligned", () => {
    const steps = (rules: MemoryRules) => program(SLICES, rules).match(/= slice/g)?.length;
    expect(steps(HOST)).toBe(1);
    expect(steps(WEBGPU)).toBe(2);
  });
});

describe("scratch memory", () => {
  const chain = (ops: number, op: string): string =>
    [
      input(0, "x", 64),
      ...Array.from({ length: ops }, (_, k) => `%${k + 1} = ${op.replace("?", `%${k}`)} : f32[64]`),
      `return "y" = %${ops}`,
    ].join("\n");

  test("of a chain is two slots, or one where an elementwise step may overwrite what it reads", () => {
    const bytes = (op: string, rules: MemoryRules) => scratchBytes(plan(lowered(chain(9, op)), rules));
    expect(bytes("exp ?", HOST)).toBe(256);
    expect(bytes("exp ?", WEBGPU)).toBe(512);
    expect(bytes("cumsum ? {axis=0}", HOST)).toBe(512);
    expect(bytes("cumsum ? {axis=0}", WEBGPU)).toBe(512);
    program(chain(9, "exp ?"));
  });

  test("is not overwritten where the step reads it in another order", () => {
    const text = `%0 = input {dtype="f32", name="x", shape=[1,4]} : f32[1,4]
      %1 = exp %0 : f32[1,4]
      %2 = reshape %1 {shape=[4,1]} : f32[4,1]
      %3 = mul %1 %2 : f32[4,4]
      %4 = slice %3 {sizes=[1,4], starts=[1,0]} : f32[1,4]
      %5 = slice %3 {sizes=[1,4], starts=[2,0]} : f32[1,4]
      %6 = add %4 %5 : f32[1,4]
      return "y" = %6`;
    program(text);
  });

  test("is released by the last reader of the last view", () => {
    program(`${input(0, "x")}
      %1 = exp %0 : f32[4]
      %2 = reshape %1 {shape=[2,2]} : f32[2,2]
      %3 = cumsum %0 {axis=0} : f32[4]
      %4 = cumsum %3 {axis=0} : f32[4]
      %5 = slice %2 {sizes=[1,2], starts=[1,0]} : f32[1,2]
      %6 = cumsum %4 {axis=0} : f32[4]
      %7 = slice %6 {sizes=[2], starts=[0]} : f32[2]
      %8 = add %5 %7 : f32[1,2]
      return "y" = %8`);
  });
});

const oneEntry = (module: Module): Lowered[] =>
  module.entries.map((entry) => toLowered({ ...module, entries: [entry] }));

describe("random modules", () => {
  test.each(RULES)("give the interpreter's results, bit for bit: %o", (rules) => {
    fc.assert(
      fc.property(arbitraryModule(), fc.nat(), (module, seed) => {
        verify(module);
        for (const each of oneEntry(module)) {
          const result = expectProgram(each, rules, seed);
          const least = largestLiveSet(result);
          expect(scratchBytes(result)).toBeGreaterThanOrEqual(least);
          // Greedy packing of few values of very different sizes; alignment rounds each of them up.
          expect(scratchBytes(result)).toBeLessThanOrEqual(2 * least + rules.alignment * result.steps.length);
        }
      }),
      { numRuns: 60 },
    );
  });
});
