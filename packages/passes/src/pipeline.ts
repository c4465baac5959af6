import { FusewireError, type Module } from "@fusewire/ir";
import type { EngineTraits } from "./engine/engine.ts";
import { type AttentionKernel, type Lowered, type RowClass, toLowered } from "./engine/lowered.ts";
import { canonicalise } from "./passes/canonicalise.ts";
import { foldConstants } from "./passes/fold_constants.ts";
import { fuseAppend } from "./passes/fuse_append.ts";
import { fuseAttention } from "./passes/fuse_attention.ts";
import { fuseDense } from "./passes/fuse_dense.ts";
import { fuseDequantize } from "./passes/fuse_dequantize.ts";
import { fuseElementwise } from "./passes/fuse_elementwise.ts";
import { fuseEpilogue } from "./passes/fuse_epilogue.ts";
import { fuseMlp } from "./passes/fuse_mlp.ts";
import { fuseNorm } from "./passes/fuse_norm.ts";
import { fuseQkv } from "./passes/fuse_qkv.ts";
import { fuseRotary } from "./passes/fuse_rotary.ts";
import { hoistPrepare } from "./passes/hoist_prepare.ts";
import { legalise } from "./passes/legalise.ts";
import { type Quantization, quantizeWeights } from "./passes/quantize_weights.ts";
import { sinkCasts } from "./passes/sink_casts.ts";
import { fixpoint, type Pass, sequence, traced } from "./rewrite/pass.ts";

/** Passes that make programs faster and may be left out, by name. */
export const OPTIONAL_PASSES = [
  "canonicalise",
  "fold_constants",
  "fuse_attention",
  "fuse_norm",
  "fuse_rotary",
  "fuse_epilogue",
  "fuse_mlp",
  "fuse_qkv",
  "fuse_append",
  "sink_casts",
  "fuse_dense",
  "fuse_elementwise",
  "hoist_prepare",
] as const;
export type OptionalPass = (typeof OPTIONAL_PASSES)[number];

export interface LowerOptions {
  /** Optional passes to leave out. */
  readonly disable?: readonly OptionalPass[];
  /** Rounds weights to few bits while they are loaded; without it they stay as stored. */
  readonly quantize?: Quantization | undefined;
  /** The class of work that the entry is; "few" unless given. */
  readonly rows?: RowClass;
  /** The kernel that attention must run in; `math` leaves it written out. */
  readonly attention?: AttentionKernel;
  /** Sees the module after each pass. */
  readonly observe?: (pass: string, module: Module) => void;
}

/** The road from a traced module to one an engine runs: this list is the order. */
const road = (engine: EngineTraits, quantize: Quantization | undefined, rows: RowClass): readonly Pass[] => [
  fixpoint(canonicalise),
  foldConstants,
  fuseAttention,
  fuseNorm,
  fuseRotary,
  fixpoint(fuseEpilogue),
  fuseMlp,
  fuseQkv,
  ...(quantize ? [quantizeWeights(quantize)] : []),
  ...(quantize && engine.claims("quantized_matmul") ? [fixpoint(fuseDequantize)] : []),
  ...(engine.claims("append_heads") ? [fuseAppend] : []),
  ...(engine.claims("dense") ? [sinkCasts, fuseDense(rows)] : []),
  // Before legalise, since what is computed while loading needs no kernel; again at the end, for what expansions add.
  hoistPrepare,
  legalise(engine),
  fixpoint(canonicalise),
  foldConstants,
  ...(engine.claims("fused_elementwise") ? [fuseElementwise] : []),
  hoistPrepare,
];

/** The passes over a module of one entry, in their order. */
export function passesFor(
  engine: EngineTraits,
  { disable = [], quantize, rows = "few", attention }: LowerOptions = {},
): readonly Pass[] {
  const unknown = disable.find((name) => !OPTIONAL_PASSES.includes(name));
  if (unknown !== undefined)
    throw new FusewireError(`'${unknown}' is not an optional pass; those are ${OPTIONAL_PASSES.join(", ")}`);
  return road(engine, quantize, rows)
    .filter(({ name }) => !disable.some((disabled) => disabled === name))
    .filter(({ name }) => attention !== "math" || name !== fuseAttention.name);
}

/** Runs the passes over a module of one entry. */
export function lower(module: Module, engine: EngineTraits, options: LowerOptions = {}): Lowered {
  const { rows = "few", attention, observe } = options;
  const passes = passesFor(engine, options).map((pass) => (observe ? traced(pass, observe) : pass));
  return toLowered(sequence("lower", passes).run(module), { rows, attention });
}
