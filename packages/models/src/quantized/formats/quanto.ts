import { FusewireError, layout, type Shape, type Value } from "@fusewire/ir";
import type { JsonObject } from "../../files/index.ts";
import { e4m3 } from "../float8.ts";
import { endingWith, type FormatContext, type QuantizedFormat, type QuantizedWeight } from "../format.ts";
import { bytesOfValue, bytesValue, demand, floatsValue, type Packed, unpacked } from "../packed.ts";
import { readBytes, shapeOf } from "../raw.ts";
import { oneOf } from "../settings.ts";

/** Bits by the name in config.json. */
const BITS = { int8: 8, float8: 8, int4: 4, int2: 2 } as const;

/** A byte each, with a scale a row. codes: i8, or u8 for float8; scales: f32[out, 1]. */
export function packQuantoBytes(codes: Value, scales: Value): Packed {
  const [out = 0, width = 0] = codes.type.shape;
  return {
    layout: codes.type.dtype === "u8" ? e4m3(width) : layout({ bits: 8, range: "signed", group: width }),
    codes,
    scales: floatsValue(scales.data as Float32Array, [out, 1]),
  };
}

/**
 * Several rows share the bytes of one: the first run of rows has their lowest bits, the next run the bits above. A row
 * is a group of the weight, or a row of it where it has no groups; its numbers are code · scale - shift.
 */
export function packQuantoRows(
  data: Value,
  scales: Value,
  shifts: Value,
  bits: number,
  what: string,
): Packed {
  const [bytes = 0, width = 0] = data.type.shape;
  const rows = scales.data.length;
  demand(
    bytes === Math.ceil((rows * bits) / 8) && shifts.data.length === rows,
    `${what}: ${bytes} rows of bytes and ${rows} scales do not fit together for ${bits} bits`,
  );
  const packed = bytesOfValue(data);
  const codes = new Uint8Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const shift = bits * Math.floor(row / bytes);
    for (let k = 0; k < width; k++)
      codes[row * width + k] = (packed[(row % bytes) * width + k]! >> shift) & (2 ** bits - 1);
  }
  return {
    layout: layout({ bits, range: "unsigned", group: width, zeros: "float" }),
    codes: bytesValue(codes, [rows, width]),
    scales: floatsValue(scales.data as Float32Array, [rows, 1]),
    zeros: floatsValue(
      (shifts.data as Float32Array).map((shift) => -shift),
      [rows, 1],
    ),
  };
}

/** The inputs of a linear layer, by its name: the parts of a grouped weight do not tell. */
function inputsOf(base: string, config: JsonObject): number {
  const size = (key: string): number => (typeof config[key] === "number" ? config[key] : 0);
  const hidden = size("hidden_size");
  const last = base.slice(base.lastIndexOf(".") + 1);
  if (last === "down_proj") return size("intermediate_size");
  if (last === "fc2") return size("ffn_dim") || size("intermediate_size");
  const heads = size("num_attention_heads");
  if (last === "o_proj" || last === "out_proj") return heads * (size("head_dim") || hidden / heads);
  return hidden;
}

/** Quanto (optimum-quanto). */
export const quanto: QuantizedFormat = {
  method: "quanto",
  async weights({ checkpoint, settings, config }: FormatContext) {
    const kind = oneOf(settings, "weights", ["int8", "float8", "int4", "int2"] as const, "int8");
    oneOf(settings, "activations", [null], null);
    const packed = endingWith(checkpoint, ".weight._data._data");
    const plain = endingWith(checkpoint, ".weight._data");
    const beside = (base: string) =>
      [`${base}.input_scale`, `${base}.output_scale`].filter((name) => checkpoint.entry(name));
    return [
      ...plain.map((base): QuantizedWeight => {
        const [data, scale] = [`${base}.weight._data`, `${base}.weight._scale`];
        const { storedDtype } = checkpoint.entry(data)!;
        if (storedDtype !== "I8" && storedDtype !== "F8_E4M3")
          throw new FusewireError(`'${data}' is ${storedDtype}, which is not read; I8 and F8_E4M3 are`);
        return {
          name: `${base}.weight`,
          shape: shapeOf(checkpoint, data),
          parts: [data, scale, ...beside(base)],
          async read() {
            const codes = storedDtype === "I8" ? checkpoint.read(data) : readBytes(checkpoint, data);
            return unpacked(packQuantoBytes(await codes, await checkpoint.read(scale)));
          },
        };
      }),
      ...packed.map((base): QuantizedWeight => {
        const names = ["._data._data", "._scale", "._shift"].map((part) => `${base}.weight${part}`);
        const [data, scale, shift] = names as [string, string, string];
        const elements = shapeOf(checkpoint, scale)[0]! * (shapeOf(checkpoint, data)[1] ?? 0);
        const width = inputsOf(base, config);
        demand(
          width > 0 && elements % width === 0,
          `'${base}.weight' has ${elements} elements, which do not make rows of ${width}`,
        );
        const shape: Shape = [elements / width, width];
        return {
          ...{ name: `${base}.weight`, shape, parts: [...names, ...beside(base)] },
          async read() {
            const [codes, scales, shifts] = await Promise.all(
              [data, scale, shift].map((name) => checkpoint.read(name)),
            );
            return unpacked(packQuantoRows(codes!, scales!, shifts!, BITS[kind], `'${base}'`), shape);
          },
        };
      }),
    ];
  },
};
