import { castValue, type Layout, layout, packCodes, type Shape, unpackCodes, type Value } from "@fusewire/ir";
import { endingWith, type FormatContext, type QuantizedFormat } from "../format.ts";
import { orderOf } from "../order.ts";
import { bytesOfValue, bytesValue, demand, floatsValue, type Packed, turned, unpacked } from "../packed.ts";
import { countOf, oneOf } from "../settings.ts";

/** The tensors of one weight. */
export interface GptqParts {
  /** i32[in · bits / 32, out]: the codes of a column of the file, one after another from the lowest bit of its first word. */
  readonly qweight: Value;
  /** i32[groups, out · bits / 32], the same along the row. */
  readonly qzeros: Value;
  /** f16[groups, out]. */
  readonly scales: Value;
  /** i32[in], the group of each input. */
  readonly g_idx?: Value | undefined;
}

export interface GptqSettings {
  readonly bits: number;
  /** The checkpoint format "gptq" keeps zeros less one, "gptq_v2" as they are. */
  readonly version: "gptq" | "gptq_v2";
}

/** [out, in] of a weight, from the types of its parts. */
function sizesOf({ qweight, scales }: { qweight: Shape; scales: Shape }, bits: number, what: string): Shape {
  const [words = 0, out = 0] = qweight;
  const width = (words * 32) / bits;
  const groups = scales[0] ?? 0;
  const fits = qweight.length === 2 && scales.length === 2 && scales[1] === out && width % groups === 0;
  demand(fits, `${what}: qweight [${qweight}] and scales [${scales}] do not fit together for ${bits} bits`);
  return [out, width];
}

/** The parts as `dequantize` takes them: rows of the weight are the columns of the file. */
export function packGptq(
  { qweight, qzeros, scales, g_idx }: GptqParts,
  settings: GptqSettings,
  what: string,
): Packed {
  const { bits, version } = settings;
  const sizes = { qweight: qweight.type.shape, scales: scales.type.shape };
  const [out, width] = sizesOf(sizes, bits, what) as readonly [number, number];
  const groups = scales.type.shape[0]!;
  const fits = qzeros.type.shape.join() === [groups, (out * bits) / 32].join();
  demand(fits, `${what}: qzeros are [${qzeros.type.shape}], expected [${groups},${(out * bits) / 32}]`);
  const words = turned(qweight.data as Int32Array, qweight.type.shape[0]!, out);
  const stored: Layout = layout({
    ...{ bits, packing: "low", range: "unsigned", group: width / groups, zeros: "integer" },
  });
  const found = g_idx && orderOf(g_idx.data, width / groups, what);
  const inOrder = bytesOfValue({ type: qweight.type, data: words });
  const codes = found ? reordered(inOrder, stored, found.columnAt) : inOrder;
  const shift = version === "gptq" ? 1 : 0;
  const zeros = Uint8Array.from(
    unpackCodes({ ...stored, group: 1 }, bytesOfValue(qzeros), out),
    (zero) => (zero + shift) & (2 ** bits - 1),
  );
  return {
    layout: { ...stored, permuted: found !== undefined },
    codes: bytesValue(codes, [out, codes.length / out]),
    scales: floatsValue(turned(castValue(scales, "f32").data as Float32Array, groups, out), [out, groups]),
    zeros: bytesValue(turned(zeros, groups, out), [out, groups]),
    order: found?.order,
  };
}

/** Rows of packed codes with the column at each place where `columnAt` says. */
export function reordered(bytes: Uint8Array, stored: Layout, columnAt: Int32Array): Uint8Array {
  const width = columnAt.length;
  const codes = unpackCodes(stored, bytes, width);
  const moved = codes.map((_, i) => codes[i - (i % width) + columnAt[i % width]!]!);
  return packCodes(stored, moved, width);
}

/** GPTQ (Frantar et al. 2022) as AutoGPTQ and GPTQModel save it. */
export const gptq: QuantizedFormat = {
  method: "gptq",
  async weights({ checkpoint, settings }: FormatContext) {
    const bits = oneOf(settings, "bits", [2, 3, 4, 8], 4);
    countOf(settings, "group_size", 128);
    const version = oneOf(settings, "checkpoint_format", ["gptq", "gptq_v2"] as const, "gptq");
    return endingWith(checkpoint, ".qweight").map((base) => {
      const names = ["qweight", "qzeros", "scales", "g_idx"].map((part) => `${base}.${part}`);
      for (const name of names.slice(0, 3))
        demand(checkpoint.type(name) !== undefined, `'${base}' has a qweight, but no '${name}'`);
      const shapeOf = (name: string) => checkpoint.type(name)!.shape;
      const sizes = { qweight: shapeOf(names[0]!), scales: shapeOf(names[2]!) };
      const parts = names.filter((name) => checkpoint.type(name));
      return {
        name: `${base}.weight`,
        shape: sizesOf(sizes, bits, `'${base}'`),
        parts,
        async read() {
          const [qweight, qzeros, scales, g_idx] = await Promise.all(
            parts.map((name) => checkpoint.read(name)),
          );
          return unpacked(
            packGptq(
              { qweight: qweight!, qzeros: qzeros!, scales: scales!, g_idx },
              { bits, version },
              `'${base}'`,
            ),
          );
        },
      };
    });
  },
};
