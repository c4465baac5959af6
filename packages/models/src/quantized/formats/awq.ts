import { castValue, type Layout, layout, type Shape, unpackCodes, type Value } from "@fusewire/ir";
import { endingWith, type FormatContext, type QuantizedFormat } from "../format.ts";
import { bytesOfValue, bytesValue, demand, floatsValue, type Packed, turned, unpacked } from "../packed.ts";
import { countOf, oneOf } from "../settings.ts";

type Version = "gemm" | "gemv";

/** Where, among the eight outputs of a word, GEMM has that of each nibble. */
const PLACES = [0, 2, 4, 6, 1, 3, 5, 7] as const;

const NIBBLES: Layout = layout({ bits: 4, packing: "low", range: "unsigned", group: 1 });

export interface AwqParts {
  /** GEMM: i32[in, out / 8], the nibbles of a word in the order of `PLACES`. GEMV: i32[out, in / 8], in order. */
  readonly qweight: Value;
  /** GEMM: i32[groups, out / 8]. GEMV: i32[out, …], rows padded. */
  readonly qzeros: Value;
  /** GEMM: f16[groups, out]. GEMV: f16[out, …], rows padded. */
  readonly scales: Value;
}

function sizesOf(qweight: Shape, version: Version): Shape {
  const [rows = 0, words = 0] = qweight;
  return version === "gemm" ? [8 * words, rows] : [rows, 8 * words];
}

/** Nibbles of GEMM words [rows, out / 8] as bytes [out, rows]. */
function outputs(words: Value): Uint8Array {
  const [rows = 0, width = 0] = words.type.shape;
  const nibbles = unpackCodes(NIBBLES, bytesOfValue(words), 8 * width);
  const bytes = Uint8Array.from(nibbles, (_, i) => nibbles[i - (i % 8) + PLACES.indexOf((i % 8) as 0)]!);
  return turned(bytes, rows, 8 * width);
}

/** The first `groups` of each row of a padded matrix [out, …]. */
const cut = <A extends Uint8Array | Float32Array>(data: A, out: number, groups: number): A =>
  data.filter((_, i) => i % (data.length / out) < groups) as A;

/** The parts as `dequantize` takes them. */
export function packAwq(
  { qweight, qzeros, scales }: AwqParts,
  version: Version,
  groupSize: number,
  what: string,
): Packed {
  const [out, width] = sizesOf(qweight.type.shape, version) as readonly [number, number];
  const group = groupSize === -1 ? width : groupSize;
  const groups = width / group;
  const [rows = 0, columns = 0] = scales.type.shape;
  const fits = version === "gemm" ? rows === groups && columns === out : rows === out && columns >= groups;
  demand(
    Number.isInteger(groups) && fits,
    `${what}: scales are [${scales.type.shape}], which groups of ${group} in ${width} inputs and ${out} outputs have not`,
  );
  const wide = castValue(scales, "f32").data as Float32Array;
  const shape = [out, groups];
  if (version === "gemm")
    return {
      layout: layout({ bits: 4, range: "unsigned", group, zeros: "integer" }),
      codes: bytesValue(outputs(qweight), [out, width]),
      scales: floatsValue(turned(wide, groups, out), shape),
      zeros: bytesValue(outputs(qzeros), shape),
    };
  const zeros = Uint8Array.from(unpackCodes(NIBBLES, bytesOfValue(qzeros), 8 * (qzeros.type.shape[1] ?? 0)));
  return {
    layout: layout({ bits: 4, packing: "low", range: "unsigned", group, zeros: "integer" }),
    codes: bytesValue(bytesOfValue(qweight), [out, width / 2]),
    scales: floatsValue(cut(wide, out, groups), shape),
    zeros: bytesValue(cut(zeros, out, groups), shape),
  };
}

/** AWQ (Lin et al. 2023) as AutoAWQ saves it. */
export const awq: QuantizedFormat = {
  method: "awq",
  async weights({ checkpoint, settings }: FormatContext) {
    oneOf(settings, "bits", [4], 4);
    oneOf(settings, "zero_point", [true], true);
    const version = oneOf(
      { version: typeof settings.version === "string" ? settings.version.toLowerCase() : "gemm" },
      "version",
      ["gemm", "gemv"] as const,
      "gemm",
    );
    const group = countOf(settings, "group_size", 128);
    return endingWith(checkpoint, ".qweight").map((base) => {
      const parts = ["qweight", "qzeros", "scales"].map((part) => `${base}.${part}`);
      for (const name of parts)
        demand(checkpoint.type(name) !== undefined, `'${base}' has a qweight, but no '${name}'`);
      return {
        name: `${base}.weight`,
        shape: sizesOf(checkpoint.type(parts[0]!)!.shape, version),
        parts,
        async read() {
          const [qweight, qzeros, scales] = await Promise.all(parts.map((name) => checkpoint.read(name)));
          return unpacked(
            packAwq({ qweight: qweight!, qzeros: qzeros!, scales: scales! }, version, group, `'${base}'`),
          );
        },
      };
    });
  },
};
