import { FusewireError, type Value } from "@fusewire/ir";
import type { Checkpoint } from "../checkpoint/index.ts";
import type { RawConfig } from "../config/index.ts";
import { isJsonObject } from "../files/index.ts";
import type { QuantizedFormat, QuantizedWeight } from "./format.ts";
import { aqlm } from "./formats/aqlm.ts";
import { awq } from "./formats/awq.ts";
import { bitsandbytes } from "./formats/bitsandbytes.ts";
import { compressedTensors } from "./formats/compressed_tensors.ts";
import { fp8 } from "./formats/fp8.ts";
import { gptq } from "./formats/gptq.ts";
import { mxfp4 } from "./formats/mxfp4.ts";
import { quanto } from "./formats/quanto.ts";

const FORMATS: readonly QuantizedFormat[] = [
  bitsandbytes,
  gptq,
  awq,
  compressedTensors,
  fp8,
  mxfp4,
  quanto,
  aqlm,
];

/**
 * The checkpoint with its quantized weights under the names and shapes that they have where they are not quantized,
 * as f32; their parts are not seen. Without `quantization_config` in config.json it is the checkpoint itself. Methods
 * that are not read are refused by name.
 */
export async function readQuantized(checkpoint: Checkpoint, { values }: RawConfig): Promise<Checkpoint> {
  const settings = values.quantization_config ?? undefined;
  if (settings === undefined) return checkpoint;
  if (!isJsonObject(settings))
    throw new FusewireError("'quantization_config' of config.json is not an object; correct it");
  const format = formatOf(settings.quant_method, settings);
  const weights = await format.weights({ checkpoint, settings, config: values });
  return withWeights(checkpoint, weights);
}

function formatOf(method: unknown, settings: object): QuantizedFormat {
  // Files from before there was a name for it.
  const isOld = method === undefined && ("load_in_8bit" in settings || "load_in_4bit" in settings);
  const found = FORMATS.find((format) => format.method === (isOld ? "bitsandbytes" : method));
  if (found) return found;
  throw new FusewireError(
    `quantization_config of config.json: quant_method ${JSON.stringify(method)} is not read; ${FORMATS.map((format) => format.method).join(", ")} are`,
  );
}

/** A checkpoint in which weights stand for their parts. */
export function withWeights(checkpoint: Checkpoint, weights: readonly QuantizedWeight[]): Checkpoint {
  const own = new Map(weights.map((weight) => [weight.name, weight]));
  const parts = new Set(weights.flatMap((weight) => weight.parts));
  // Rows of one weight are often read one after another, so the last one is kept.
  let last: { readonly weight: QuantizedWeight; readonly value: Promise<Value> } | undefined;
  const whole = (weight: QuantizedWeight): Promise<Value> => {
    if (last?.weight !== weight) last = { weight, value: weight.read() };
    return last.value;
  };
  const isPlain = (name: string): boolean => !own.has(name) && !parts.has(name);
  return {
    ...checkpoint,
    names: () => [...own.keys(), ...checkpoint.names().filter(isPlain)],
    type(name) {
      const weight = own.get(name);
      if (weight) return { dtype: "f32", shape: weight.shape };
      return isPlain(name) ? checkpoint.type(name) : undefined;
    },
    entry(name) {
      const weight = own.get(name);
      if (weight) return { storedDtype: "F32", shape: weight.shape };
      return isPlain(name) ? checkpoint.entry(name) : undefined;
    },
    async readBytes(name, offset, length) {
      const weight = own.get(name);
      if (!weight) return checkpoint.readBytes(name, offset, length);
      const { data } = await whole(weight);
      return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).subarray(offset, offset + length);
    },
    async read(name, rows) {
      const weight = own.get(name);
      if (!weight) return checkpoint.read(name, rows);
      return rows ? rowsOf(await whole(weight), rows) : whole(weight);
    },
    close: () => {
      last = undefined;
      return checkpoint.close();
    },
  };
}

/** Some rows of a value: its first axis from `from` on. */
function rowsOf(
  { type, data }: Value,
  { from, count }: { readonly from: number; readonly count: number },
): Value {
  const row = data.length / type.shape[0]!;
  return {
    type: { dtype: type.dtype, shape: [count, ...type.shape.slice(1)] },
    data: data.subarray(from * row, (from + count) * row),
  };
}
