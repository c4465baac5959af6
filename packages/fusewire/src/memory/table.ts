import {
  estimateMemory,
  type MemoryEstimate,
  type MemorySizes,
  type MemorySource,
  type WeightDType,
  withDType,
} from "@fusewire/generate";
import type { DeviceRoom } from "./devices.ts";

/** The ways to keep weights that are compared. */
export const COMPARED = ["float32", "bfloat16", "q8", "q4"] as const satisfies readonly WeightDType[];

/** The memory of one way to keep weights on one device. */
export interface MemoryRow extends MemoryEstimate {
  readonly device: string;
  readonly dtype: string;
  /** Why it does not fit; absent where it does. */
  readonly refused?: string;
}

/** A row for each device and dtype. `source` must have been read with dtype "auto". */
export const memoryRows = (
  source: MemorySource,
  dtypes: readonly (WeightDType & string)[],
  sizes: MemorySizes,
  devices: readonly DeviceRoom[],
): readonly MemoryRow[] =>
  devices.flatMap((room) =>
    dtypes.map((dtype) => {
      const { traits } = room;
      const estimate = estimateMemory(withDType(source, dtype), { ...sizes, ...(traits && { traits }) });
      const refused = refusal(estimate, room);
      return { device: room.device, dtype, ...estimate, ...(refused !== undefined && { refused }) };
    }),
  );

function refusal({ total, largest }: MemoryEstimate, room: DeviceRoom): string | undefined {
  if (total > room.limit) return room.because;
  if (largest.bytes > (room.binding ?? Number.POSITIVE_INFINITY))
    return `'${largest.name}' is larger than a binding, ${room.binding} bytes`;
  return undefined;
}
