import { castValue, type Shape, type Value } from "@fusewire/ir";
import { endingWith, type FormatContext, type QuantizedFormat } from "../format.ts";
import { demand, floatsValue } from "../packed.ts";
import { readBytes, shapeOf } from "../raw.ts";

export interface AqlmParts {
  /** f16[K, 2^bits, outGroup, inGroup]. */
  readonly codebooks: Value;
  /** [out / outGroup, in / inGroup, K], signed, modulo the size of a codebook. */
  readonly codes: { readonly shape: Shape; readonly data: Int8Array | Int16Array };
  /** f16[out / outGroup, 1, 1, 1]. */
  readonly scales: Value;
}

const shapeFor = (codebooks: Shape, codes: Shape): Shape => [
  codes[0]! * codebooks[2]!,
  codes[1]! * codebooks[3]!,
];

/** Each piece of the matrix is the sum of one vector of each codebook, times the scale of its rows. */
export function aqlmNumbers({ codebooks, codes, scales }: AqlmParts, what: string): Value {
  const [books = 0, entries = 0, high = 0, wide = 0] = codebooks.type.shape;
  const [down = 0, across = 0, perPiece = 0] = codes.shape;
  demand(
    codes.shape.length === 3 && perPiece === books && scales.data.length === down,
    `${what}: codebooks [${codebooks.type.shape}], codes [${codes.shape}] and scales [${scales.type.shape}] do not fit together`,
  );
  const vectors = castValue(codebooks, "f32").data;
  const factors = castValue(scales, "f32").data;
  const [rows, columns] = shapeFor(codebooks.type.shape, codes.shape) as readonly [number, number];
  const out = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const piece = Math.floor(row / high);
    for (let column = 0; column < columns; column++) {
      const at = (piece * across + Math.floor(column / wide)) * books;
      let sum = 0;
      for (let book = 0; book < books; book++) {
        // A power of two, of which the code is the remainder.
        const code = codes.data[at + book]! & (entries - 1);
        sum = Math.fround(
          sum + vectors[((book * entries + code) * high + (row % high)) * wide + (column % wide)]!,
        );
      }
      out[row * columns + column] = sum * factors[piece]!;
    }
  }
  return floatsValue(out, [rows, columns]);
}

/** AQLM (Egiazarian et al. 2024): codes pick vectors, so no layout of numbers says it, and it is read as floats. */
export const aqlm: QuantizedFormat = {
  method: "aqlm",
  async weights({ checkpoint }: FormatContext) {
    return endingWith(checkpoint, ".codebooks").map((base) => {
      const parts = ["codebooks", "codes", "scales"].map((part) => `${base}.${part}`);
      const [codebooks, codes, scales] = parts as [string, string, string];
      const shape = shapeOf(checkpoint, codes);
      const { storedDtype } = checkpoint.entry(codes)!;
      demand(
        storedDtype === "I8" || storedDtype === "I16",
        `'${codes}' is ${storedDtype}, expected I8 or I16`,
      );
      return {
        name: `${base}.weight`,
        shape: shapeFor(shapeOf(checkpoint, codebooks), shape),
        parts,
        async read() {
          const bytes = (await readBytes(checkpoint, codes)).data.slice();
          const data = storedDtype === "I8" ? new Int8Array(bytes.buffer) : new Int16Array(bytes.buffer);
          const own = { codebooks: await checkpoint.read(codebooks), scales: await checkpoint.read(scales) };
          return aqlmNumbers({ ...own, codes: { shape, data } }, `'${base}'`);
        },
      };
    });
  },
};
