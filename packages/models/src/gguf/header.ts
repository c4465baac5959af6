import { FusewireError, type Shape, sizeOf } from "@fusewire/ir";
import type { ByteSource } from "../files/index.ts";
import { type Cursor, cursorOf } from "./reader.ts";
import { GGUF_TYPES, type GgufType, OTHER_TYPES } from "./types.ts";

export type GgufValue = number | boolean | string | readonly GgufValue[];

/** A tensor, and where its bytes are in the file. */
export interface GgufTensor {
  /** As the graph has it: the axis that lies together in the file comes last. */
  readonly shape: Shape;
  readonly type: GgufType;
  readonly begin: number;
  readonly bytes: number;
}

export interface GgufHeader {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

const AGAIN = "the file is damaged: download it again";

/** Reads and checks the header of a GGUF file, version 2 or 3 (github.com/ggml-org/ggml, docs/gguf.md). */
export async function readHeader(source: ByteSource, file: string): Promise<GgufHeader> {
  const cursor = cursorOf(source, file);
  if ((await cursor.u32()) !== 0x46554747)
    throw new FusewireError(`${file} is not a GGUF file; give another one`);
  const version = await cursor.u32();
  if (version !== 2 && version !== 3)
    throw new FusewireError(`${file} is GGUF of version ${version}; 2 and 3 are read: convert it again`);
  const tensorCount = await cursor.count("the number of tensors");
  const valueCount = await cursor.count("the number of values");
  const metadata = new Map<string, GgufValue>();
  for (let k = 0; k < valueCount; k++) {
    const key = await cursor.text("a key");
    if (metadata.has(key)) throw new FusewireError(`${file} has '${key}' twice; ${AGAIN}`);
    metadata.set(key, await readValue(cursor, await cursor.u32(), `'${key}'`, file, 0));
  }
  const found: [string, Omit<GgufTensor, "begin"> & { readonly offset: number }][] = [];
  for (let k = 0; k < tensorCount; k++) found.push(await readTensor(cursor, file));
  const alignment = metadata.get("general.alignment") ?? 32;
  if (typeof alignment !== "number" || !Number.isSafeInteger(alignment) || alignment < 1)
    throw new FusewireError(`general.alignment of ${file} is ${JSON.stringify(alignment)}; ${AGAIN}`);
  const start = Math.ceil(cursor.at() / alignment) * alignment;
  return { metadata, tensors: placed(found, start, source.size, file) };
}

/** Lists hold lists in no file of a model; deeper ones are damage. */
const DEEPEST = 2;

async function readValue(
  cursor: Cursor,
  kind: number,
  what: string,
  file: string,
  depth: number,
): Promise<GgufValue> {
  const read = SCALARS.get(kind);
  if (read) return cursor.value(...read);
  if (kind === 7) return (await cursor.value(1, (view, at) => view.getUint8(at))) !== 0;
  if (kind === 8) return cursor.text(what);
  if (kind !== 9 || depth === DEEPEST)
    throw new FusewireError(`${what} of ${file} is of the unknown kind ${kind}; ${AGAIN}`);
  const item = await cursor.u32();
  const length = await cursor.count(`the length of ${what}`);
  const list: GgufValue[] = [];
  for (let k = 0; k < length; k++) list.push(await readValue(cursor, item, what, file, depth + 1));
  return list;
}

/** Numbers by their kind: their bytes, and how they are read. 64-bit integers are token ids and sizes: numbers hold them. */
const SCALARS: ReadonlyMap<number, readonly [bytes: number, read: (view: DataView, at: number) => number]> =
  new Map([
    [0, [1, (view, at) => view.getUint8(at)]],
    [1, [1, (view, at) => view.getInt8(at)]],
    [2, [2, (view, at) => view.getUint16(at, true)]],
    [3, [2, (view, at) => view.getInt16(at, true)]],
    [4, [4, (view, at) => view.getUint32(at, true)]],
    [5, [4, (view, at) => view.getInt32(at, true)]],
    [6, [4, (view, at) => view.getFloat32(at, true)]],
    [10, [8, (view, at) => Number(view.getBigUint64(at, true))]],
    [11, [8, (view, at) => Number(view.getBigInt64(at, true))]],
    [12, [8, (view, at) => view.getFloat64(at, true)]],
  ]);

async function readTensor(
  cursor: Cursor,
  file: string,
): Promise<[string, Omit<GgufTensor, "begin"> & { readonly offset: number }]> {
  const name = await cursor.text("a tensor's name");
  const what = `tensor '${name}' of ${file}`;
  const rank = await cursor.u32();
  if (rank > 4) throw new FusewireError(`${what} has ${rank} axes; ${AGAIN}`);
  const sizes: number[] = [];
  for (let axis = 0; axis < rank; axis++) sizes.push(await cursor.count(`a size of '${name}'`));
  const kind = await cursor.u32();
  const type = GGUF_TYPES.get(kind);
  if (!type)
    throw new FusewireError(
      `${what} is of the type ${OTHER_TYPES.get(kind) ?? kind}, which is not read; ${[...GGUF_TYPES.values()].map((known) => known.name).join(", ")} are`,
    );
  const offset = await cursor.count(`the offset of '${name}'`);
  const elements = sizeOf(sizes);
  if (
    !sizes.every((size) => size > 0) ||
    !Number.isSafeInteger(elements) ||
    (sizes[0] ?? 1) % type.size !== 0
  )
    throw new FusewireError(`${what} is [${sizes}], which blocks of ${type.size} do not fill; ${AGAIN}`);
  return [name, { shape: [...sizes].reverse(), type, bytes: (elements / type.size) * type.bytes, offset }];
}

/** The tensors at their places, which must be inside the file and apart from each other. */
function placed(
  found: readonly (readonly [string, Omit<GgufTensor, "begin"> & { readonly offset: number }])[],
  start: number,
  size: number,
  file: string,
): Map<string, GgufTensor> {
  const tensors = new Map<string, GgufTensor>();
  let [end, previous] = [start, "the header"];
  for (const [name, { offset, ...rest }] of [...found].sort(([, a], [, b]) => a.offset - b.offset)) {
    const begin = start + offset;
    if (tensors.has(name)) throw new FusewireError(`${file} has tensor '${name}' twice; ${AGAIN}`);
    if (begin < end) throw new FusewireError(`'${previous}' and '${name}' of ${file} overlap; ${AGAIN}`);
    end = begin + rest.bytes;
    if (end > size)
      throw new FusewireError(
        `tensor '${name}' of ${file} ends at byte ${end}, but the file has only ${size}: the download stopped early; download it again`,
      );
    tensors.set(name, { ...rest, begin });
    previous = name;
  }
  return tensors;
}
