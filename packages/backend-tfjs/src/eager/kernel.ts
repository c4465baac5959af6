import type { NodeOf, OpAttrs, OpName, TensorType, Value } from "@fusewire/ir";
import type { Tensor } from "@tensorflow/tfjs-core";

/** The inputs of one node while it runs. */
export interface Operands {
  readonly count: number;
  /** The input in tfjs, copied there when it was on the host alone. */
  tensor(k: number): Tensor;
  /** The input on the host; only inputs that the kernel lists in `onHost` may be asked for. */
  value(k: number): Value;
  /** The input on the host if it happens to be there. */
  known(k: number): Value | undefined;
  /** Whether `tensor(k)` is a matrix kept transposed; see `weights.ts`. */
  transposed(k: number): boolean;
}

/** How one op runs in tfjs. Tensors it makes on the way are freed by the caller. */
export interface Kernel<K extends OpName> {
  readonly op: K;
  /** Inputs that steer the kernel and are read on the host: indices, lengths. */
  readonly onHost?: readonly number[];
  run(x: Operands, attrs: OpAttrs[K], type: TensorType): Tensor;
}

export type KernelTable = { readonly [K in OpName]?: Kernel<K> };

/** A kernel seen from code that treats all alike: the attributes are whatever the node carries. */
export interface AnyKernel {
  readonly op: OpName;
  readonly onHost?: readonly number[];
  run(x: Operands, attrs: NodeOf<OpName>["attrs"], type: TensorType): Tensor;
}
