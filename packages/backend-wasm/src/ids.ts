// Numbers that the compiled kernels and the encoder of step tables share; AssemblyScript reads this file too.

/** Kernels, by the first word of a step. */
export const MAP = 0;
export const CAST = 1;
export const COPY = 2;
export const GATHER = 3;
export const CACHE_WRITE = 4;
export const OCCURS = 5;
export const UNIFORM = 6;
export const REDUCE = 7;
export const CUMSUM = 8;
export const ARGSORT = 9;
export const SOFTMAX = 10;
export const RMS_NORM = 11;
export const ROTARY = 12;
export const ATTENTION = 13;
export const LINEAR = 14;
export const MATMUL = 15;
export const TOP_K = 16;
export const TOP_P = 17;
export const CATEGORICAL = 18;
export const LAYER_NORM = 19;
export const GROUP_SCALES = 20;
export const QUANTIZE_ROWS = 21;
export const DEQUANTIZE = 22;
export const GATHER_TILED = 23;
export const QUANTIZED_MATMUL = 24;
export const LINEAR_PANELS = 25;

/** Words before a step's own: kernel, words in all, units of work, units a thread takes at once, how long it takes over them. */
export const HEADER = 5;

/** Element types, as `DTYPES` of the graph orders them. */
export const F32 = 0;
export const F16 = 1;
export const BF16 = 2;
export const I32 = 3;
export const U32 = 4;
export const I8 = 5;
export const U8 = 6;
export const BOOL = 7;

/** Elements that `MAP` treats at once; its registers hold as many words. */
export const BLOCK = 256;

/** How `MAP` finds an operand. */
export const WORDS = 0;
export const BYTES = 1;
export const LITERAL = 2;

/** Instructions of `MAP`. Floats, then integers, then truth values, which are all ones or all zeros. */
export const NEG_F = 0;
export const EXP_F = 1;
export const LOG_F = 2;
export const SQRT_F = 3;
export const RSQRT_F = 4;
export const TANH_F = 5;
export const SILU_F = 6;
export const ADD_F = 7;
export const SUB_F = 8;
export const MUL_F = 9;
export const DIV_F = 10;
export const MAX_F = 11;
export const MIN_F = 12;
export const EQ_F = 13;
export const LT_F = 14;
export const LE_F = 15;
export const NEG_I = 16;
export const ADD_I = 17;
export const SUB_I = 18;
export const MUL_I = 19;
export const MAX_S = 20;
export const MIN_S = 21;
export const MAX_U = 22;
export const MIN_U = 23;
export const EQ_I = 24;
export const LT_S = 25;
export const LE_S = 26;
export const LT_U = 27;
export const LE_U = 28;
export const NOT_B = 29;
export const AND_B = 30;
export const OR_B = 31;
export const WHERE = 32;
export const RELU_F = 33;
export const GELU_TANH_F = 34;
export const MOD_S = 35;

/** Folds of `REDUCE`. */
export const SUM = 0;
export const LARGEST = 1;
export const ARG_LARGEST = 2;

/** Activations in the epilogue of `LINEAR`. */
export const NO_ACTIVATION = 0;
export const SILU = 1;
export const RELU = 2;
export const GELU_TANH = 3;

/** Keys of a piece that `ATTENTION` reads at once, a power of 2; queries that read it together; scratch bytes of each. */
export const ATTENTION_PIECE = 64;
export const ATTENTION_TILE = 8;
export const ATTENTION_QUERY_BYTES = 32 + 4 * ATTENTION_PIECE + 16;

/** The longest group, in eights, whose sum of 8-bit codes has 16 bits; those of longer ones have 32. */
export const NARROW_SUMS = 256;

/** Tiles of a gate that `QUANTIZED_MATMUL` multiplies before what they scale. */
export const GATED_TILES = 16;

/** Rows of a tile of a matrix in panels, and elements of a row that it holds together, of one panel after another. */
export const PANEL_TILE = 64;
export const PANEL_BLOCK = 384;

/** Up to so many rows of x take a part of a weight in turn while the cache has it; with more, reading it hardly counts. */
export const FEW_ROWS = 16;

/** What `GATHER_TILED` picks rows of: codes of 8 or of 4 bits, or floats; f32, bf16 or f16 in panels. */
export const TILED_8 = 0;
export const TILED_4 = 1;
export const TILED_FLOATS = 2;
export const PANELS_F32 = 3;
export const PANELS_BF16 = 4;
export const PANELS_F16 = 5;

/** Words by which threads work together; see `kernels/threads.ts`. Those that all write lie on lines of their own. */
export const OPEN = 0;
export const DONE = 16;
export const STEP = 32;
export const WAKE = 33;
export const SLEEPERS = 34;
export const STOP = 35;
/** Helpers that have begun. */
export const HELPERS = 36;
/** Pieces that thread 0 still does alone, and how many it takes next time. */
export const REST = 37;
export const PENALTY = 38;
/** The scratch memory of thread 0, and the bytes from one thread's to the next. */
export const SCRATCH = 39;
export const SCRATCH_STRIDE = 40;
export const CONTROL_WORDS = 48;
