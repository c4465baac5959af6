/**
 * The op table: every op of the graph, once. `OpDefs` is total over the attributes that op files declare, so an op
 * that is missing here does not compile.
 */
import type { Node, NodeOf, OpName } from "../node.ts";
import type { AttrKind, OpDef } from "../op.ts";
import type { TensorType } from "../type.ts";
import type { Value } from "../value.ts";
import { appendHeadsOp } from "./append_heads.ts";
import { argsortOp } from "./argsort.ts";
import { attentionOp } from "./attention.ts";
import { addOp, andOp, divOp, eqOp, leOp, ltOp, maxOp, minOp, modOp, mulOp, orOp, subOp } from "./binary.ts";
import { cacheWriteOp } from "./cache_write.ts";
import { castOp } from "./cast.ts";
import { categoricalOp } from "./categorical.ts";
import { constantOp } from "./constant.ts";
import { denseOp } from "./dense.ts";
import { dequantizeOp } from "./dequantize.ts";
import { fusedElementwiseOp } from "./fused_elementwise.ts";
import { gatedLinearOp } from "./gated_linear.ts";
import { gatherOp } from "./gather.ts";
import { geluTanhOp } from "./gelu_tanh.ts";
import { iotaOp } from "./iota.ts";
import { layerNormOp } from "./layer_norm.ts";
import { inputOp, paramOp, preparedOp, stateOp } from "./leaves.ts";
import { linearOp } from "./linear.ts";
import { matmulOp } from "./matmul.ts";
import { broadcastToOp, concatOp, reshapeOp, sliceOp, transposeOp } from "./movement.ts";
import { occursOp } from "./occurs.ts";
import { groupScalesOp, quantizeRowsOp } from "./quantize.ts";
import { quantizedMatmulOp } from "./quantized_matmul.ts";
import { argmaxOp, cumsumOp, reduceMaxOp, reduceSumOp } from "./reduce.ts";
import { reluOp } from "./relu.ts";
import { rmsNormOp } from "./rms_norm.ts";
import { rotaryOp } from "./rotary.ts";
import { siluOp } from "./silu.ts";
import { softmaxOp } from "./softmax.ts";
import { topKOp } from "./top_k.ts";
import { topPOp } from "./top_p.ts";
import { trigTableOp } from "./trig_table.ts";
import { expOp, logOp, negOp, notOp, rsqrtOp, sqrtOp, tanhOp } from "./unary.ts";
import { uniformOp } from "./uniform.ts";
import { whereOp } from "./where.ts";

export type OpDefs = { readonly [K in OpName]: OpDef<K> };

export const OPS: OpDefs = {
  // leaves
  param: paramOp,
  prepared: preparedOp,
  state: stateOp,
  input: inputOp,
  constant: constantOp,
  iota: iotaOp,
  trig_table: trigTableOp,
  // elementwise
  neg: negOp,
  exp: expOp,
  log: logOp,
  sqrt: sqrtOp,
  rsqrt: rsqrtOp,
  tanh: tanhOp,
  not: notOp,
  add: addOp,
  sub: subOp,
  mul: mulOp,
  div: divOp,
  max: maxOp,
  min: minOp,
  mod: modOp,
  eq: eqOp,
  lt: ltOp,
  le: leOp,
  and: andOp,
  or: orOp,
  where: whereOp,
  cast: castOp,
  // reductions and order
  reduce_sum: reduceSumOp,
  reduce_max: reduceMaxOp,
  argmax: argmaxOp,
  cumsum: cumsumOp,
  argsort: argsortOp,
  // movement
  reshape: reshapeOp,
  transpose: transposeOp,
  broadcast_to: broadcastToOp,
  slice: sliceOp,
  concat: concatOp,
  gather: gatherOp,
  cache_write: cacheWriteOp,
  // the rest of the core
  matmul: matmulOp,
  occurs: occursOp,
  uniform: uniformOp,
  // quantized weights and rows
  group_scales: groupScalesOp,
  quantize_rows: quantizeRowsOp,
  quantized_matmul: quantizedMatmulOp,
  // composites: each has an expansion into the ops above
  softmax: softmaxOp,
  silu: siluOp,
  relu: reluOp,
  gelu_tanh: geluTanhOp,
  rms_norm: rmsNormOp,
  layer_norm: layerNormOp,
  rotary: rotaryOp,
  attention: attentionOp,
  linear: linearOp,
  gated_linear: gatedLinearOp,
  dense: denseOp,
  dequantize: dequantizeOp,
  append_heads: appendHeadsOp,
  fused_elementwise: fusedElementwiseOp,
  top_k: topKOp,
  top_p: topPOp,
  categorical: categoricalOp,
};

/** The definition of a node's op, typed for any node. */
export const defOf = (node: { readonly op: OpName }): AnyOpDef => OPS[node.op] as unknown as AnyOpDef;

/** Nodes that cost nothing at run time: leaves, constants, and views of other nodes' memory. */
export const isFree = (node: { readonly op: OpName }): boolean => defOf(node).free === true;

/** Whether an element of the result needs only that element of each input. */
export const isElementwise = (node: { readonly op: OpName }): boolean =>
  defOf(node).scalar !== undefined || defOf(node).elementwise === true;

/** An op definition seen from code that treats all ops alike: the attributes are whatever the node carries. */
export interface AnyOpDef extends Omit<OpDef<OpName>, "infer" | "evaluate" | "expand" | "attrs"> {
  readonly attrs: Readonly<Record<string, AttrKind>>;
  readonly infer: (inputs: readonly TensorType[], attrs: object) => TensorType;
  readonly evaluate?: (inputs: readonly Value[], attrs: object, type: TensorType) => Value;
  readonly expand?: (inputs: readonly Node[], attrs: object) => Node;
}

export const isNode = <K extends OpName>(node: { readonly op: OpName }, op: K): node is NodeOf<K> =>
  node.op === op;
