import { expect, test } from "vitest";
import { interpret } from "../interpret.ts";
import { trace } from "../module.ts";
import { parseModule } from "../parse.ts";
import { printModule } from "../print.ts";
import { expandModule, madeUp, madeUpRows, randomEnvironment } from "./index.ts";

test("a made-up layout: by hand, by evaluation and by expansion", () => {
  const module = trace({ step: (t) => ({ y: madeUpRows(t) }) });
  const given = randomEnvironment(module, 1);
  const [whole, expanded] = [module, expandModule(module)].map(
    (each) => interpret(each, "step", given).outputs.get("y")!,
  );
  expect(expanded!.data).toEqual(whole!.data);
  // Column 5 of row 1: place 35 % 24 = 11, of group 1. Its bits begin at bit 55 of the 15 bytes of the row.
  const bits = [...given.inputs!("codes").data.subarray(15)]
    .map((byte) => byte.toString(2).padStart(8, "0"))
    .join("");
  const code = Number.parseInt(bits.slice(55, 60), 2);
  const [scale, zero] = ["scales", "zeros"].map((name) => given.inputs!(name).data[4 + 1]!);
  expect(whole!.data[24 + 5]).toBe(Math.fround(Math.fround(madeUp.codebook![code]! * scale!) + zero!));
  const text = printModule(module);
  expect(text).toContain('layout="u5 high group=6 zeros=float permuted codebook=');
  expect(printModule(parseModule(text))).toBe(text);
  expect(parseModule(text, module.table).entries[0]!.outputs.get("y")).toBe(
    module.entries[0]!.outputs.get("y"),
  );
});
