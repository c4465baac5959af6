import {
  concat,
  interpret,
  type Module,
  matmul,
  mul,
  NodeTable,
  paramsOf,
  parseModule,
  printModule,
  type Tracer,
  tensorType,
  toValue,
  trace,
  verify,
} from "@fusewire/ir";
import { expect, test } from "vitest";
import { transform, untouched } from "../testing/text.ts";
import { hoistPrepare } from "./hoist_prepare.ts";

const run = (statements: string): string => transform(hoistPrepare, statements);

test("the largest expressions over weights become prepared leaves; each name tells where they come from", () => {
  expect(
    run(`%0 = input {dtype="f32", name="x", shape=[2,4]} : f32[2,4]
      %1 = param {dtype="f32", name="layers.0.attn.q.weight", shape=[4,4]} : f32[4,4]
      %2 = param {dtype="f32", name="layers.0.attn.k.weight", shape=[4,4]} : f32[4,4]
      %3 = concat %1 %2 {axis=0} : f32[8,4]
      %4 = matmul %0 %3 {transposeB=true} : f32[2,8]
      %5 = param {dtype="f32", name="norm.weight", shape=[8]} : f32[8]
      %6 = constant {dtype="f32", shape=[], values=[1]} : f32[]
      %7 = add %5 %6 : f32[8]
      %8 = rms_norm %4 %7 {eps=0.5} : f32[2,8]
      %9 = iota {size=8} : i32[8] @"sample"
      %10 = cast %9 {to="f32"} : f32[8] @"sample"
      %11 = mul %8 %10 : f32[2,8]
      return "y" = %11`),
  ).toMatchInlineSnapshot(`
    "prepare {
    %0 = param {dtype="f32", name="layers.0.attn.q.weight", shape=[4,4]} : f32[4,4]
    %1 = param {dtype="f32", name="layers.0.attn.k.weight", shape=[4,4]} : f32[4,4]
    %2 = concat %0 %1 {axis=0} : f32[8,4]
    %3 = param {dtype="f32", name="norm.weight", shape=[8]} : f32[8]
    %4 = constant {dtype="f32", shape=[], values=[1]} : f32[]
    %5 = add %3 %4 : f32[8]
    %6 = iota {size=8} : i32[8] @"sample"
    %7 = cast %6 {to="f32"} : f32[8] @"sample"
    keep "concat(layers.0.attn.{q,k}.weight)#88c4dc9c" = %2
    keep "add(norm.weight)#8fd631a4" = %5
    keep "cast#f411c831" = %7
    %0 = input {dtype="f32", name="x", shape=[2,4]} : f32[2,4]
    %1 = prepared {dtype="f32", name="concat(layers.0.attn.{q,k}.weight)#88c4dc9c", shape=[8,4]} : f32[8,4]
    %2 = matmul %0 %1 {transposeB=true} : f32[2,8]
    %3 = prepared {dtype="f32", name="add(norm.weight)#8fd631a4", shape=[8]} : f32[8]
    %4 = rms_norm %2 %3 {eps=0.5} : f32[2,8]
    %5 = prepared {dtype="f32", name="cast#f411c831", shape=[8]} : f32[8] @"sample"
    %6 = mul %4 %5 : f32[2,8]
    return "y" = %6"
  `);
});

test.each<[string, string]>([
  [
    "bare weights and constants",
    `%0 = param {dtype="f32", name="w", shape=[2]} : f32[2]
    %1 = input {dtype="f32", name="x", shape=[2]} : f32[2]
    %2 = constant {dtype="f32", shape=[2], values=[1,2]} : f32[2]
    %3 = add %1 %0 : f32[2]
    %4 = add %3 %2 : f32[2]
    return "y" = %4
    return "w" = %0`,
  ],
  [
    "views of weights",
    `%0 = param {dtype="f32", name="w", shape=[2]} : f32[2]
    %1 = reshape %0 {shape=[1,2]} : f32[1,2]
    %2 = input {dtype="f32", name="x", shape=[3,2]} : f32[3,2]
    %3 = mul %2 %1 : f32[3,2]
    return "y" = %3`,
  ],
  [
    "what reads states",
    `%0 = state {dtype="f32", name="s", shape=[2]} : f32[2]
    %1 = exp %0 : f32[2]
    return "y" = %1`,
  ],
])("%s stay", (_what, text) => {
  expect(run(text)).toBe(untouched(text));
});

test("an entry of weights and constants alone returns a prepared value", () => {
  expect(
    run(`%0 = iota {size=4} : i32[4]
      %1 = constant {dtype="i32", shape=[], values=[2]} : i32[]
      %2 = mul %0 %1 : i32[4]
      return "y" = %2`),
  ).toMatchInlineSnapshot(`
    "prepare {
    %0 = iota {size=4} : i32[4]
    %1 = constant {dtype="i32", shape=[], values=[2]} : i32[]
    %2 = mul %0 %1 : i32[4]
    keep "mul#e5d79d48" = %2
    %0 = prepared {dtype="i32", name="mul#e5d79d48", shape=[4]} : i32[4]
    return "y" = %0"
  `);
});

test("two expressions over the same weights have two names", () => {
  expect(
    run(`%0 = param {dtype="f32", name="w", shape=[2]} : f32[2]
      %1 = exp %0 : f32[2]
      %2 = neg %0 : f32[2]
      %3 = input {dtype="f32", name="x", shape=[2]} : f32[2]
      %4 = add %3 %1 : f32[2]
      %5 = add %3 %2 : f32[2]
      return "a" = %4
      return "b" = %5`),
  ).toMatchInlineSnapshot(`
    "prepare {
    %0 = param {dtype="f32", name="w", shape=[2]} : f32[2]
    %1 = exp %0 : f32[2]
    %2 = neg %0 : f32[2]
    keep "exp(w)#2fc118e6" = %1
    keep "neg(w)#40063803" = %2
    %0 = input {dtype="f32", name="x", shape=[2]} : f32[2]
    %1 = prepared {dtype="f32", name="exp(w)#2fc118e6", shape=[2]} : f32[2]
    %2 = add %0 %1 : f32[2]
    %3 = prepared {dtype="f32", name="neg(w)#40063803", shape=[2]} : f32[2]
    %4 = add %0 %3 : f32[2]
    return "a" = %2
    return "b" = %4"
  `);
});

const joined = (first: string, second: string) => (t: Tracer) => {
  const weights = [first, second].map((name) =>
    t.param(`layers.0.${name}.weight`, tensorType("f32", [4, 4])),
  );
  const x = t.input("x", tensorType("f32", [2, 4]));
  return { y: matmul(x, concat(weights, 0), { transposeB: true }) };
};
const names = (module: Module): string[] => [...module.prepare.keys()];

test("entries compiled one by one from one table agree on the names", () => {
  const table = new NodeTable();
  const decode = hoistPrepare.run(trace({ decode: joined("q", "k") }, table));
  const other = hoistPrepare.run(trace({ other: joined("k", "q") }, table));
  const prefill = hoistPrepare.run(trace({ prefill: joined("q", "k") }, table));
  expect(names(decode)).toEqual([
    expect.stringMatching(/^concat\(layers\.0\.\{q,k\}\.weight\)#[0-9a-f]{8}$/),
  ]);
  expect(names(other)).toEqual([expect.stringMatching(/^concat\(layers\.0\.\{k,q\}\.weight\)#[0-9a-f]{8}$/)]);
  expect(names(prefill)).toEqual(names(decode));
  expect(prefill.prepare.get(names(prefill)[0]!)).toBe(decode.prepare.get(names(decode)[0]!));
});

test("both entries of one module share a prepared value, and weights that only it reads leave the entries", () => {
  const module = hoistPrepare.run(trace({ decode: joined("q", "k"), prefill: joined("q", "k") }));
  verify(module);
  expect(names(module)).toHaveLength(1);
  expect([...paramsOf({ ...module, prepare: new Map() }).keys()]).toEqual([]);
  expect([...paramsOf(module).keys()]).toEqual(["layers.0.q.weight", "layers.0.k.weight"]);
});

test("running it again changes nothing", () => {
  const once = hoistPrepare.run(trace({ decode: joined("q", "k") }));
  expect(printModule(hoistPrepare.run(once))).toBe(printModule(once));
});

test("names follow from the expression, whatever else the table holds", () => {
  const used = new NodeTable();
  hoistPrepare.run(trace({ other: joined("k", "q"), another: joined("q", "q") }, used));
  const module = trace({ decode: joined("q", "k") }, used);
  const fresh = parseModule(printModule(module));
  expect(printModule(hoistPrepare.run(fresh))).toBe(printModule(hoistPrepare.run(module)));
});

test("a module read from text keeps the names that its prepared values have", () => {
  const vector = tensorType("f32", [1]);
  const scaled = (factor: number) => (t: Tracer) => ({
    y: mul(mul(t.param("w", vector), factor), t.input("x", vector)),
  });
  const twice = printModule(hoistPrepare.run(trace({ twice: scaled(2) })));
  const read = parseModule(twice);
  const thrice = trace({ thrice: scaled(3) }, read.table);
  const both = hoistPrepare.run({ ...read, entries: [...read.entries, ...thrice.entries] });
  verify(both);
  const one = () => toValue(vector, [1]);
  const results = ["twice", "thrice"].map(
    (entry) => interpret(both, entry, { params: one, inputs: one }).outputs.get("y")!.data[0],
  );
  expect(results).toEqual([2, 3]);
});
