import { bytesOf, bytesPerElement, type DType, FusewireError, sizeOf, type Value } from "@fusewire/ir";
import { SAFETENSORS_DTYPES } from "./header.ts";

const STORED_NAMES = new Map<DType, string>(
  Object.entries(SAFETENSORS_DTYPES).map(([stored, dtype]) => [dtype, stored]),
);

/**
 * The bytes of a safetensors file with these tensors. The widest elements come first and the header is filled up to
 * a multiple of 8, so every tensor is aligned. `metadata` becomes `__metadata__` ({format: "pt"} for transformers).
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, Value>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  const ordered = [...tensors].sort(
    ([a, x], [b, y]) =>
      bytesPerElement(y.type.dtype) - bytesPerElement(x.type.dtype) || (a < b ? -1 : a > b ? 1 : 0),
  );
  const header: [string, unknown][] = metadata ? [["__metadata__", metadata]] : [];
  let end = 0;
  for (const [name, { type, data }] of ordered) {
    if (name === "__metadata__")
      throw new FusewireError("no tensor can be called '__metadata__' in a safetensors file; rename it");
    if (data.length !== sizeOf(type.shape))
      throw new FusewireError(
        `tensor '${name}' has ${data.length} elements, but its shape [${type.shape.join(",")}] takes ${sizeOf(type.shape)}`,
      );
    const begin = end;
    end += bytesOf(type);
    header.push([
      name,
      { dtype: STORED_NAMES.get(type.dtype), shape: type.shape, data_offsets: [begin, end] },
    ]);
  }

  // Object.fromEntries defines own properties, so even '__proto__' is an ordinary name.
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const headerLength = Math.ceil(json.length / 8) * 8;
  const file = new Uint8Array(8 + headerLength + end).fill(0x20, 8, 8 + headerLength);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerLength), true);
  file.set(json, 8);
  let at = 8 + headerLength;
  for (const [, { data }] of ordered) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}
