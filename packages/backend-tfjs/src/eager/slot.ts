import type { TensorType, Value } from "@fusewire/ir";
import type { Tensor } from "@tensorflow/tfjs-core";
import { download, upload } from "./transfer.ts";

/** A matrix or other tensor that outlives runs and may be replaced between two uses: a weight. */
export interface Resident {
  tensor: Tensor;
  /** The tensor holds the transposed matrix. */
  transposed: boolean;
}

/** The value of one node during a run: on the host, in tfjs, or both when both were needed. */
export interface Slot {
  readonly type: TensorType;
  host?: Value;
  tensor?: Tensor;
  readonly resident?: Resident;
  /** The tensor belongs to someone else, so that a run must not free it. */
  readonly borrowed?: boolean;
}

/** The value in tfjs, uploaded if need be. */
export const tensorOf = (slot: Slot): Tensor => {
  if (slot.resident) return slot.resident.tensor;
  slot.tensor ??= upload(slot.host!);
  return slot.tensor;
};

/** The value on the host, read back if need be. */
export async function hostOf(slot: Slot): Promise<Value> {
  if (slot.host) return slot.host;
  if (slot.resident?.transposed)
    throw new Error("a weight kept transposed is read by products and gathers only");
  slot.host = await download(tensorOf(slot), slot.type);
  return slot.host;
}

export function releaseSlot(slot: Slot): void {
  if (!slot.borrowed) slot.tensor?.dispose();
}
