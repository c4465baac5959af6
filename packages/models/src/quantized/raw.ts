import { FusewireError, type Shape, type Value } from "@fusewire/ir";
import type { Checkpoint } from "../checkpoint/index.ts";
import { bytesValue } from "./packed.ts";

/** A tensor's shape, also where its dtype is none of the graph's. */
export function shapeOf(checkpoint: Checkpoint, name: string): Shape {
  const entry = checkpoint.entry(name);
  if (!entry) throw new FusewireError(`${checkpoint.location} has no tensor '${name}'`);
  return entry.shape;
}

/** A tensor of 8-bit elements as bytes, whatever they mean. */
export async function readBytes(checkpoint: Checkpoint, name: string): Promise<Value> {
  const shape = shapeOf(checkpoint, name);
  return bytesValue(await checkpoint.readBytes(name, 0, Number.MAX_SAFE_INTEGER), shape);
}
