/** What is not as the format says is refused before a wrong number is made of it. */
import { type DType, toValue, type Value } from "@fusewire/ir";
import { expect, test } from "vitest";
import { encodeSafetensors, openCheckpoint } from "../checkpoint/index.ts";
import { rawConfig } from "../config/index.ts";
import { memoryFiles } from "../files/index.ts";
import { readQuantized } from "./index.ts";

type Tensors = Readonly<Record<string, Value>>;

const value = (dtype: DType, shape: readonly number[], ...numbers: number[]): Value =>
  toValue({ dtype, shape }, numbers);

async function weightOf(quantization_config: object, tensors: Tensors): Promise<Value> {
  const weights = encodeSafetensors(new Map(Object.entries(tensors)));
  const checkpoint = await openCheckpoint(memoryFiles({ "model.safetensors": weights }));
  const config = rawConfig({ model_type: "llama", quantization_config: { ...quantization_config } });
  return (await readQuantized(checkpoint, config)).read("l.weight");
}

const GPTQ = { quant_method: "gptq", bits: 4, group_size: 8 };
const gptq = (changes: Tensors = {}): Tensors => ({
  "l.qweight": value("i32", [2, 8], ...Array.from({ length: 16 }, (_, k) => k)),
  "l.qzeros": value("i32", [2, 1], 0x77777777, 0x77777777),
  "l.scales": value("f16", [2, 8], ...new Array<number>(16).fill(1)),
  ...changes,
});

test("GPTQ by hand: codes from the lowest bits, zeros kept less one", async () => {
  const { type, data } = await weightOf(GPTQ, gptq());
  expect(type).toEqual({ dtype: "f32", shape: [8, 16] });
  // Output 3 has the words 3 and 11, of which the first codes are 3 and 11; zeros are 7 + 1.
  expect([...data.subarray(3 * 16, 3 * 16 + 9)]).toEqual([-5, -8, -8, -8, -8, -8, -8, -8, 3]);
});

test("some rows and some bytes of a weight are those of the whole", async () => {
  const weights = encodeSafetensors(new Map(Object.entries(gptq())));
  const opened = await openCheckpoint(memoryFiles({ "model.safetensors": weights }));
  const read = await readQuantized(opened, rawConfig({ model_type: "llama", quantization_config: GPTQ }));
  const whole = await read.read("l.weight");
  const rows = await read.read("l.weight", { from: 3, count: 2 });
  expect(rows.type.shape).toEqual([2, 16]);
  expect([...rows.data]).toEqual([...whole.data.subarray(48, 80)]);
  const bytes = await read.readBytes("l.weight", 4 * 48, 8);
  expect([...bytes]).toEqual([...new Uint8Array(whole.data.slice(48, 50).buffer)]);
});

test.each<[string, Tensors, string]>([
  ["zeros of another size", { "l.qzeros": value("i32", [2, 2]) }, "qzeros are [2,2], expected [2,1]"],
  ["scales of another size", { "l.scales": value("f16", [3, 8]) }, "do not fit together for 4 bits"],
  [
    "a group that is not there",
    { "l.g_idx": value("i32", [16], 2) },
    "g_idx names groups that are not there (0 to 1)",
  ],
  ["a negative group", { "l.g_idx": value("i32", [16], -1) }, "g_idx names groups that are not there"],
  ["uneven groups", { "l.g_idx": value("i32", [16], 0, 1) }, "g_idx does not put 8 columns into each group"],
])("GPTQ with %s", async (_what, changes, message) => {
  await expect(weightOf(GPTQ, gptq(changes))).rejects.toThrow(message);
});

test("a weight without all of its parts", async () => {
  const { "l.qzeros": _zeros, ...rest } = gptq();
  await expect(weightOf(GPTQ, rest)).rejects.toThrow("'l' has a qweight, but no 'l.qzeros'");
});

const BNB = { quant_method: "bitsandbytes", load_in_4bit: true };
const STATE = "l.weight.quant_state.bitsandbytes__nf4";
const bytes = (text: string): Value => value("u8", [text.length], ...new TextEncoder().encode(text));
const bnb = (changes: Tensors = {}): Tensors => ({
  "l.weight": value("u8", [4, 1], 0x01, 0xf2, 0x34, 0x56),
  "l.weight.absmax": value("f32", [2], 1, 2),
  "l.weight.quant_map": value("f32", [16], ...Array.from({ length: 16 }, (_, k) => k)),
  [STATE]: bytes('{"blocksize": 4, "shape": [2, 4]}'),
  ...changes,
});

test("NF4 by hand: the first code in the high nibble, a scale for each block", async () => {
  expect([...(await weightOf(BNB, bnb())).data]).toEqual([0, 1, 15, 2, 6, 8, 10, 12]);
});

test.each<[string, Tensors, string]>([
  ["text that is no JSON", { [STATE]: bytes("{") }, `'${STATE}'`],
  ["no block size", { [STATE]: bytes('{"shape": [2, 4]}') }, "has no blocksize"],
  [
    "a shape of three sizes",
    { [STATE]: bytes('{"blocksize": 4, "shape": [2, 2, 2]}') },
    "has no shape of two sizes",
  ],
  ["too few scales", { "l.weight.absmax": value("f32", [1], 1) }, "absmax has 1 scales, not 2"],
  ["too few codes", { "l.weight": value("u8", [3, 1]) }, "has 3 bytes, which [2,4] of 4 bits has not"],
  ["a short codebook", { "l.weight.quant_map": value("f32", [8]) }, "quant_map has 8 values, not 16"],
  [
    "scales that are codes of nothing",
    { "l.weight.absmax": value("u8", [2]) },
    "absmax is u8, but its state has no nested scales",
  ],
])("NF4 with %s", async (_what, changes, message) => {
  await expect(weightOf(BNB, bnb(changes))).rejects.toThrow(message);
});

test("LLM.int8 in the tiles of a GPU is refused", async () => {
  const tensors = {
    "l.weight": value("i8", [2, 4]),
    "l.SCB": value("f32", [2], 1, 2),
    "l.weight_format": value("u8", [], 2),
  };
  await expect(weightOf(BNB, tensors)).rejects.toThrow("'l.weight_format' is 2: rows (0) are read");
});
