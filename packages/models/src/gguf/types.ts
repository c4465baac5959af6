import { iq4Nl, iq4Xs, mxfp4 } from "./blocks/codebook.ts";
import { q4_0, q4_1, q5_0, q5_1, q8_0 } from "./blocks/single.ts";
import { q2K, q3K, q4K, q5K, q6K } from "./blocks/super.ts";

/** Writes the numbers of one block. `bytes` is of the block alone. */
export type DecodeBlock = (bytes: DataView, out: Float32Array, at: number) => void;

/** How a tensor's numbers lie in the file. */
export interface GgufType {
  readonly name: string;
  /** Numbers and bytes of a block. */
  readonly size: number;
  readonly bytes: number;
  /** Absent for plain floats, which are read as they are. */
  readonly decode?: DecodeBlock;
}

const type = (name: string, size: number, bytes: number, decode?: DecodeBlock): GgufType => ({
  ...{ name, size, bytes },
  ...(decode && { decode }),
});

/** By their numbers in ggml. */
export const GGUF_TYPES: ReadonlyMap<number, GgufType> = new Map([
  [0, type("F32", 1, 4)],
  [1, type("F16", 1, 2)],
  [2, type("Q4_0", 32, 18, q4_0)],
  [3, type("Q4_1", 32, 20, q4_1)],
  [6, type("Q5_0", 32, 22, q5_0)],
  [7, type("Q5_1", 32, 24, q5_1)],
  [8, type("Q8_0", 32, 34, q8_0)],
  [10, type("Q2_K", 256, 84, q2K)],
  [11, type("Q3_K", 256, 110, q3K)],
  [12, type("Q4_K", 256, 144, q4K)],
  [13, type("Q5_K", 256, 176, q5K)],
  [14, type("Q6_K", 256, 210, q6K)],
  [20, type("IQ4_NL", 32, 18, iq4Nl)],
  [23, type("IQ4_XS", 256, 136, iq4Xs)],
  [30, type("BF16", 1, 2)],
  [39, type("MXFP4", 32, 17, mxfp4)],
]);

/** Types of ggml that are not read, for errors that name them. */
export const OTHER_TYPES: ReadonlyMap<number, string> = new Map([
  [9, "Q8_1"],
  [15, "Q8_K"],
  [16, "IQ2_XXS"],
  [17, "IQ2_XS"],
  [18, "IQ3_XXS"],
  [19, "IQ1_S"],
  [21, "IQ3_S"],
  [22, "IQ2_S"],
  [24, "I8"],
  [25, "I16"],
  [26, "I32"],
  [27, "I64"],
  [28, "F64"],
  [29, "IQ1_M"],
  [34, "TQ1_0"],
  [35, "TQ2_0"],
]);
