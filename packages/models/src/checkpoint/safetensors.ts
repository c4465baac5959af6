import {
  bytesPerElement,
  FusewireError,
  sizeOf,
  type TensorType,
  type TypedArray,
  type Value,
  view,
} from "@fusewire/ir";
import { type ByteSource, decodeUtf8, isLfsPointer, lfsPointerError } from "../files/index.ts";
import { convertHint, DOWNLOAD_AGAIN, parseHeader, type TensorEntry } from "./header.ts";

/** One safetensors file with a checked header. Tensor data stay in the file until they are asked for. */
export interface SafetensorsFile {
  /** What error messages call the file. */
  readonly file: string;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly source: ByteSource;
}

// The limit of the format's own library: a longer header is damage, not a model.
const LARGEST_HEADER = 100_000_000;
const LENGTH_BYTES = 8;

/** Reads and checks the header of `source`. Closing the source stays with the caller. */
export async function openSafetensors(source: ByteSource, file: string): Promise<SafetensorsFile> {
  if (source.size < LENGTH_BYTES)
    throw new FusewireError(
      `${file} has ${source.size} bytes, too few for a safetensors file; download it again`,
    );
  const start = await source.read(0, Math.min(source.size, 64));
  const headerLength = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
  const room = source.size - LENGTH_BYTES;
  if (headerLength > BigInt(Math.min(room, LARGEST_HEADER))) {
    if (isLfsPointer(String.fromCharCode(...start))) throw lfsPointerError(file);
    const limit = headerLength > BigInt(room) ? `the file has only ${source.size}` : "the limit is 100 MB";
    throw new FusewireError(
      `${file} says that its header has ${headerLength} bytes, but ${limit}: it is not a safetensors file, or is damaged; download it again`,
    );
  }
  const length = Number(headerLength);
  const text = decodeUtf8(await source.read(LENGTH_BYTES, length), `the header of ${file}`);
  if (!text.startsWith("{"))
    throw new FusewireError(`the header of ${file} does not start with '{'; ${DOWNLOAD_AGAIN}`);
  return { file, source, tensors: parseHeader(text, file, LENGTH_BYTES + length, source.size) };
}

/** The type of a tensor, or undefined where the file has none of that name. */
export function safetensorsType(opened: SafetensorsFile, name: string): TensorType | undefined {
  const entry = opened.tensors.get(name);
  return entry && supportedType(opened, name, entry);
}

/** Bytes of a tensor from an offset; fewer where it ends. */
export function readTensorBytes(
  { source, tensors }: SafetensorsFile,
  name: string,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const { begin, end } = tensors.get(name)!;
  const from = Math.min(end, begin + offset);
  return source.read(from, Math.min(length, end - from));
}

/** Reads one tensor, or some of its rows. The value may share memory with the source: do not write to it. */
export async function readSafetensor(
  opened: SafetensorsFile,
  name: string,
  rows?: { readonly from: number; readonly count: number },
): Promise<Value> {
  const entry = opened.tensors.get(name);
  if (!entry)
    throw new FusewireError(
      `${opened.file} has no tensor '${name}'; check that the file belongs to this model`,
    );
  const whole = supportedType(opened, name, entry);
  const { from, count } = rows ?? { from: 0, count: whole.shape[0] ?? 1 };
  const row = (entry.end - entry.begin) / Math.max(1, whole.shape[0] ?? 1);
  const type = rows ? { dtype: whole.dtype, shape: [count, ...whole.shape.slice(1)] } : whole;
  const bytes = await opened.source.read(entry.begin + from * row, count * row);
  return { type, data: entry.storedDtype === "F64" ? fromDoubles(bytes) : typedView(type, bytes) };
}

function supportedType(opened: SafetensorsFile, name: string, entry: TensorEntry): TensorType {
  if (entry.type) return entry.type;
  throw new FusewireError(
    `tensor '${name}' of ${opened.file} has the unsupported dtype '${entry.storedDtype}'; ${convertHint()}`,
  );
}

/** Numbers of 64 bits, rounded once: nothing here computes in more than f32. */
function fromDoubles(bytes: Uint8Array): Float32Array {
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  return Float32Array.from(new Float64Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 8));
}

/** File bytes are little-endian, and so are the typed arrays of every machine that runs JavaScript today. */
function typedView(type: TensorType, bytes: Uint8Array): TypedArray {
  // Headers need not be a multiple of the element size, and a typed array must start at one.
  const aligned = bytes.byteOffset % bytesPerElement(type.dtype) === 0 ? bytes : bytes.slice();
  return view(type.dtype, aligned.buffer, aligned.byteOffset, sizeOf(type.shape));
}
