import { type Layout, layout, type Shape, sizeOf, toValue, type Value } from "@fusewire/ir";
import type { Checkpoint } from "../../checkpoint/index.ts";
import { decodeUtf8, type JsonObject, parseJsonObject } from "../../files/index.ts";
import { endingWith, type FormatContext, type QuantizedFormat, type QuantizedWeight } from "../format.ts";
import { bytesOfValue, bytesValue, demand, floatsValue, type Packed, unpacked } from "../packed.ts";

/** What a 4-bit weight says of itself in JSON. */
export interface QuantState {
  /** Neighbours that share a scale, in the matrix as one row. */
  readonly blocksize: number;
  readonly shape: Shape;
  /** Where scales are codes too: neighbours among them that share one, and what is added to each. */
  readonly nested?: { readonly blocksize: number; readonly offset: number } | undefined;
}

export interface FourBitParts {
  /** u8: two codes a byte, the first one in the high nibble. */
  readonly weight: Value;
  /** f32, or u8 where they are codes too. */
  readonly absmax: Value;
  /** f32[16]. */
  readonly quant_map: Value;
  readonly nested_absmax?: Value | undefined;
  /** f32[256]. */
  readonly nested_quant_map?: Value | undefined;
}

/** Reads the state from the bytes of its tensor. */
export function parseQuantState(bytes: Uint8Array, what: string): QuantState {
  const state: JsonObject = parseJsonObject(decodeUtf8(bytes, what), what);
  const { blocksize, shape, nested_blocksize, nested_offset } = state;
  demand(isCount(blocksize), `${what} has no blocksize`);
  demand(
    Array.isArray(shape) && shape.length === 2 && shape.every(isCount),
    `${what} has no shape of two sizes`,
  );
  if (nested_blocksize === undefined) return { blocksize, shape: shape as readonly number[] };
  demand(isCount(nested_blocksize), `${what} has no nested_blocksize that is a number`);
  demand(typeof nested_offset === "number", `${what} has no nested_offset that is a number`);
  return {
    ...{ blocksize, shape: shape as readonly number[] },
    nested: { blocksize: nested_blocksize, offset: nested_offset },
  };
}

const isCount = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value > 0;

/** Codes that pick from a codebook, with a scale a block of the matrix laid out as one row. */
const blocks = (bits: number, map: Value, group: number): Layout =>
  layout({ bits, packing: bits === 8 ? "bytes" : "high", range: "unsigned", codebook: [...map.data], group });

/** The matrix as one row, filled up to whole blocks. */
export function packFourBit(
  parts: FourBitParts,
  { blocksize, shape, nested }: QuantState,
  what: string,
): Packed {
  const count = Math.ceil(sizeOf(shape) / blocksize);
  const { weight, absmax, quant_map } = parts;
  demand(
    weight.data.byteLength === Math.ceil(sizeOf(shape) / 2),
    `${what} has ${weight.data.byteLength} bytes, which [${shape}] of 4 bits has not`,
  );
  demand(quant_map.data.length === 16, `${what}: quant_map has ${quant_map.data.length} values, not 16`);
  demand(absmax.data.length === count, `${what}: absmax has ${absmax.data.length} scales, not ${count}`);
  demand(
    (absmax.type.dtype === "u8") === (nested !== undefined),
    `${what}: absmax is ${absmax.type.dtype}, but its state ${nested ? "has" : "has no"} nested scales`,
  );
  const scales = nested ? nestedScales(parts, nested, count, what) : (absmax.data as Float32Array);
  const codes = filled(bytesOfValue(weight), Math.ceil((count * blocksize) / 2));
  return {
    layout: blocks(4, quant_map, blocksize),
    codes: bytesValue(codes, [1, codes.length]),
    scales: floatsValue(scales, [1, count]),
  };
}

/** Double quantization (Dettmers et al. 2023): scales are codes of 8 bits with scales of their own, about their mean. */
function nestedScales(
  { absmax, nested_absmax, nested_quant_map }: FourBitParts,
  nested: NonNullable<QuantState["nested"]>,
  count: number,
  what: string,
): Float32Array {
  const groups = Math.ceil(count / nested.blocksize);
  demand(
    nested_absmax?.data.length === groups && nested_quant_map?.data.length === 256,
    `${what}: its scales are codes, but nested_absmax or nested_quant_map is missing or too short`,
  );
  const scales = floatsValue(nested_absmax!.data as Float32Array, [1, groups]);
  const offsets = toValue(scales.type, new Array<number>(groups).fill(nested.offset));
  const codes = filled(bytesOfValue(absmax), groups * nested.blocksize);
  const packed: Packed = {
    layout: { ...blocks(8, nested_quant_map!, nested.blocksize), zeros: "float" },
    codes: bytesValue(codes, [1, codes.length]),
    scales,
    zeros: offsets,
  };
  return unpacked(packed, [count]).data as Float32Array;
}

function filled(bytes: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length);
  out.set(bytes);
  return out;
}

/** LLM.int8 (Dettmers et al. 2022): code · SCB / 127 of its row. */
export function packInt8(weight: Value, scb: Value, what: string): Packed {
  const [out = 0, width = 0] = weight.type.shape;
  demand(
    weight.type.dtype === "i8" && scb.data.length === out,
    `${what} is ${weight.type.dtype}[${weight.type.shape}], and SCB has ${scb.data.length} scales`,
  );
  const scales = Float32Array.from(scb.data, (largest) => largest / 127);
  return {
    layout: layout({ bits: 8, range: "signed", group: width }),
    codes: weight,
    scales: floatsValue(scales, [out, 1]),
  };
}

/** NF4, FP4 and LLM.int8 as bitsandbytes saves them. */
export const bitsandbytes: QuantizedFormat = {
  method: "bitsandbytes",
  weights: async ({ checkpoint }: FormatContext) => [
    ...(await fourBitWeights(checkpoint)),
    ...(await int8Weights(checkpoint)),
  ],
};

const STATE = /^(.*)\.quant_state\.bitsandbytes__(nf4|fp4)$/;
const FOUR_BIT_PARTS = ["absmax", "quant_map", "nested_absmax", "nested_quant_map"] as const;

async function fourBitWeights(checkpoint: Checkpoint): Promise<QuantizedWeight[]> {
  const weights: QuantizedWeight[] = [];
  for (const stateName of checkpoint.names()) {
    const weight = STATE.exec(stateName)?.[1];
    if (weight === undefined) continue;
    const what = `'${weight}'`;
    const state = parseQuantState(bytesOfValue(await checkpoint.read(stateName)), `'${stateName}'`);
    const names = FOUR_BIT_PARTS.map((part) => `${weight}.${part}`).filter((name) => checkpoint.type(name));
    for (const name of [weight, `${weight}.absmax`, `${weight}.quant_map`])
      demand(checkpoint.type(name) !== undefined, `${what} has a quant_state, but no '${name}'`);
    weights.push({
      name: weight,
      shape: state.shape,
      parts: [weight, stateName, ...names],
      async read() {
        const part = async (name: string) =>
          checkpoint.type(`${weight}.${name}`) ? checkpoint.read(`${weight}.${name}`) : undefined;
        const [absmax, quant_map, nested_absmax, nested_quant_map] = await Promise.all(
          FOUR_BIT_PARTS.map(part),
        );
        const parts = {
          weight: await checkpoint.read(weight),
          ...{ absmax: absmax!, quant_map: quant_map!, nested_absmax, nested_quant_map },
        };
        return unpacked(packFourBit(parts, state, what), state.shape);
      },
    });
  }
  return weights;
}

async function int8Weights(checkpoint: Checkpoint): Promise<QuantizedWeight[]> {
  const weights: QuantizedWeight[] = [];
  for (const base of endingWith(checkpoint, ".SCB")) {
    const [weight, scb, format] = ["weight", "SCB", "weight_format"].map((part) => `${base}.${part}`) as [
      string,
      string,
      string,
    ];
    const type = checkpoint.type(weight);
    demand(type?.shape.length === 2, `'${base}' has an SCB, but no weight of two axes`);
    const hasFormat = checkpoint.type(format) !== undefined;
    const order = hasFormat ? (await checkpoint.read(format)).data[0] : 0;
    demand(order === 0, `'${format}' is ${order}: rows (0) are read, the tiles of some GPUs are not`);
    weights.push({
      name: weight,
      shape: type!.shape,
      parts: [weight, scb, ...(hasFormat ? [format] : [])],
      read: async () =>
        unpacked(packInt8(await checkpoint.read(weight), await checkpoint.read(scb), `'${weight}'`)),
    });
  }
  return weights;
}
