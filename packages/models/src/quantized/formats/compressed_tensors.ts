import { castValue, FusewireError, layout, type Shape, unpackCodes, type Value } from "@fusewire/ir";
import { isJsonObject, type JsonObject } from "../../files/index.ts";
import { rowScales } from "../blocks.ts";
import { e4m3 } from "../float8.ts";
import { endingWith, type FormatContext, type QuantizedFormat, type QuantizedWeight } from "../format.ts";
import { orderOf } from "../order.ts";
import { bytesOfValue, bytesValue, demand, floatsValue, type Packed, turned, unpacked } from "../packed.ts";
import { readBytes, shapeOf } from "../raw.ts";
import { oneOf } from "../settings.ts";
import { reordered } from "./gptq.ts";

type Pair = readonly [number, number];

/** [rows, columns] of the parts of a matrix that share a scale: of one scale for all, one a row, groups or blocks. */
function blockOf([out, width]: Pair, scale: Shape): Pair {
  const [rows = 1, columns = 1] = scale;
  return [Math.ceil(out / rows), Math.ceil(width / columns)];
}

export interface PackedParts {
  /** i32[out, in · bits / 32]: codes from the lowest bits on, with half of their range added. */
  readonly weight_packed: Value;
  readonly weight_scale: Value;
  /** i32[out · bits / 32, groups], packed down the columns. */
  readonly weight_zero_point?: Value | undefined;
  /** i32[in]: the group of each input. */
  readonly weight_g_idx?: Value | undefined;
}

/** Codes by words, as pack-quantized has them. */
export function packWords(parts: PackedParts, [out, width]: Pair, bits: number, what: string): Packed {
  const { weight_packed, weight_scale, weight_zero_point, weight_g_idx } = parts;
  const block = blockOf([out, width], weight_scale.type.shape);
  const { scales, group } = rowScales(weight_scale, [out, width], block, what);
  const bytes = (width * bits) / 8;
  const stride = 4 * (weight_packed.type.shape[1] ?? 0);
  demand(
    weight_packed.type.shape[0] === out && stride >= bytes && Number.isInteger(bytes),
    `${what}: weight_packed is [${weight_packed.type.shape}], which [${out},${width}] of ${bits} bits has not`,
  );
  const plain = layout({ bits, packing: "low", range: "unsigned", group, zeros: "integer" });
  const padded = bytesOfValue(weight_packed);
  const cut = stride === bytes ? padded : padded.filter((_, i) => i % stride < bytes);
  const found = weight_g_idx && orderOf(weight_g_idx.data, group, what);
  const codes = found ? reordered(cut, plain, found.columnAt) : cut;
  return {
    layout: { ...plain, permuted: found !== undefined },
    codes: bytesValue(codes, [out, bytes]),
    scales,
    zeros: bytesValue(zerosOf(weight_zero_point, out, width / group, bits, what), [out, width / group]),
    order: found?.order,
  };
}

/** The codes that stand for 0: the middle of the range, or what is stored, which has it added as the codes have. */
function zerosOf(
  stored: Value | undefined,
  out: number,
  groups: number,
  bits: number,
  what: string,
): Uint8Array {
  if (!stored) return new Uint8Array(out * groups).fill(2 ** (bits - 1));
  const [words = 0, columns = 0] = stored.type.shape;
  demand(
    columns === groups && words * 32 >= out * bits,
    `${what}: weight_zero_point is [${stored.type.shape}], expected ${groups} columns for ${out} rows`,
  );
  const column = turned(stored.data as Int32Array, words, columns);
  const width = (words * 32) / bits;
  const codes = unpackCodes(
    layout({ bits, packing: "low", range: "unsigned", group: 1 }),
    bytesOfValue({ type: stored.type, data: column }),
    width,
  );
  const zeros = new Uint8Array(out * groups);
  for (let row = 0; row < out; row++)
    for (let g = 0; g < groups; g++) zeros[row * groups + g] = codes[g * width + row]!;
  return zeros;
}

/** The settings of the weights, of which all groups must be of one kind. */
function weightSettings(settings: JsonObject): JsonObject {
  const groups = isJsonObject(settings.config_groups) ? Object.values(settings.config_groups) : [];
  const weights = groups.map((group) =>
    isJsonObject(group) && isJsonObject(group.weights) ? group.weights : {},
  );
  const [first] = weights;
  const alike = weights.every(
    (own) => own.num_bits === first?.num_bits && own.type === first?.type && own.actorder === first?.actorder,
  );
  if (first && alike) return first;
  throw new FusewireError(
    "quantization_config of config.json: config_groups are missing or of several kinds, which is not read",
  );
}

const FORMATS = ["pack-quantized", "int-quantized", "float-quantized"] as const;

/** compressed-tensors (llm-compressor): words of packed codes, or a byte each. */
export const compressedTensors: QuantizedFormat = {
  method: "compressed-tensors",
  async weights(context: FormatContext) {
    const { settings } = context;
    const format = oneOf(settings, "format", FORMATS, "pack-quantized");
    const weights = weightSettings(settings);
    if (format === "pack-quantized") return packedWeights(context, oneOf(weights, "num_bits", [2, 4, 8], 4));
    oneOf(weights, "num_bits", [8], 8);
    return byteWeights(context, format);
  },
};

async function packedWeights({ checkpoint }: FormatContext, bits: number): Promise<QuantizedWeight[]> {
  const weights: QuantizedWeight[] = [];
  for (const base of endingWith(checkpoint, ".weight_packed")) {
    const name = (part: string) => `${base}.weight_${part}`;
    const sizes = await readBytes(checkpoint, name("shape"));
    const view = new DataView(sizes.data.buffer, sizes.data.byteOffset, sizes.data.byteLength);
    // The shape is of 64-bit integers, or of 32 in some files.
    const wide = checkpoint.entry(name("shape"))!.storedDtype === "I64";
    const [out, width] = [0, 1].map((k) =>
      wide ? Number(view.getBigInt64(8 * k, true)) : view.getInt32(4 * k, true),
    ) as [number, number];
    const read = async (part: string) =>
      checkpoint.type(name(part)) ? checkpoint.read(name(part)) : undefined;
    demand(
      checkpoint.type(name("scale")) !== undefined,
      `'${base}' has packed codes, but no '${name("scale")}'`,
    );
    weights.push({
      name: `${base}.weight`,
      shape: [out, width],
      parts: ["packed", "shape", "scale", "zero_point", "g_idx"]
        .map(name)
        .filter((part) => checkpoint.entry(part)),
      async read() {
        const parts = {
          weight_packed: await checkpoint.read(name("packed")),
          weight_scale: await checkpoint.read(name("scale")),
          weight_zero_point: await read("zero_point"),
          weight_g_idx: await read("g_idx"),
        };
        return unpacked(packWords(parts, [out, width], bits, `'${base}'`));
      },
    });
  }
  return weights;
}

async function byteWeights(
  { checkpoint }: FormatContext,
  format: "int-quantized" | "float-quantized",
): Promise<QuantizedWeight[]> {
  return endingWith(checkpoint, ".weight_scale").map((base) => {
    const [weight, scale, zero] = ["", "_scale", "_zero_point"].map((part) => `${base}.weight${part}`) as [
      string,
      string,
      string,
    ];
    const shape = shapeOf(checkpoint, weight) as Pair;
    const dtype = format === "int-quantized" ? "I8" : "F8_E4M3";
    const stored = checkpoint.entry(weight)!.storedDtype;
    demand(
      stored === dtype && shape.length === 2,
      `'${weight}' is ${stored}[${shape}], expected ${dtype} of two axes`,
    );
    const others = [zero, `${base}.input_scale`, `${base}.output_scale`, `${base}.input_zero_point`];
    return {
      name: weight,
      shape,
      parts: [weight, scale, ...others.filter((name) => checkpoint.entry(name))],
      async read() {
        const own = await checkpoint.read(scale);
        const { scales, group } = rowScales(own, shape, blockOf(shape, own.type.shape), `'${weight}'`);
        if (format === "float-quantized")
          return unpacked({ layout: e4m3(group), codes: await readBytes(checkpoint, weight), scales });
        const zeros = checkpoint.type(zero) ? await checkpoint.read(zero) : undefined;
        const rows =
          zeros && rowScales(castValue(zeros, "f32"), shape, blockOf(shape, zeros.type.shape), `'${zero}'`);
        return unpacked({
          layout: layout({ bits: 8, range: "signed", group, zeros: rows ? "integer" : "none" }),
          codes: await checkpoint.read(weight),
          scales,
          zeros: rows && castValue(floatsValue(rows.scales.data as Float32Array, scales.type.shape), "i8"),
        });
      },
    };
  });
}
