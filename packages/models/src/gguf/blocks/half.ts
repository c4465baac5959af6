import { fromF16 } from "@fusewire/ir";

/** A number of 16 bits. */
export const half = (bytes: DataView, at: number): number => fromF16(bytes.getUint16(at, true));
