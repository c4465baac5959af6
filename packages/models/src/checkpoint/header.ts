import { bytesOf, type DType, FusewireError, sizeOf, type TensorType } from "@fusewire/ir";
import { findJsonProblem, isJsonObject, type JsonValue, kindOf, parseJsonObject } from "../files/index.ts";

/** One tensor of a safetensors file: where its bytes are, and its type where Fusewire has one. */
export interface TensorEntry {
  /** Undefined for dtypes that exist in safetensors but not here, such as I64: a model may carry one unused. */
  readonly type: TensorType | undefined;
  /** The dtype as the file writes it. */
  readonly storedDtype: string;
  readonly shape: readonly number[];
  /** Bytes from the start of the file. */
  readonly begin: number;
  readonly end: number;
}

/** dtypes by their names in safetensors. */
export const SAFETENSORS_DTYPES: Readonly<Record<string, DType>> = {
  F32: "f32",
  F16: "f16",
  BF16: "bf16",
  I32: "i32",
  U32: "u32",
  I8: "i8",
  U8: "u8",
  BOOL: "bool",
};

/** Read as f32. */
const DOUBLE = "F64";

/** The rest of the format, with bits per element: their place in the file is checked, their values cannot be read. */
const FOREIGN_BITS: Readonly<Record<string, number>> = {
  I64: 64,
  U64: 64,
  C64: 64,
  I16: 16,
  U16: 16,
  F8_E4M3: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2: 8,
  F8_E5M2FNUZ: 8,
  F8_E8M0: 8,
  F6_E2M3: 6,
  F6_E3M2: 6,
  F4: 4,
};

export const DOWNLOAD_AGAIN = "the file is damaged: download it again";

/**
 * Checks a header and gives its tensors by name, in file order of their bytes.
 * `dataStart` is the file offset behind the header, `fileSize` the size of the file, both in bytes.
 */
export function parseHeader(
  text: string,
  file: string,
  dataStart: number,
  fileSize: number,
): Map<string, TensorEntry> {
  const header = parseJsonObject(text, `the header of ${file}`);
  const problem = findJsonProblem(text);
  if (problem) throw new FusewireError(`the header of ${file}: ${problem.reason}; ${DOWNLOAD_AGAIN}`);

  const entries: [string, TensorEntry][] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === "__metadata__") checkMetadata(value, file);
    else entries.push([name, parseEntry(value, `tensor '${name}' of ${file}`, dataStart, fileSize)]);
  }
  entries.sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  checkCoverage(entries, file, dataStart, fileSize);
  return new Map(entries);
}

function checkMetadata(value: JsonValue, file: string): void {
  // Some writers leave null there.
  if (value === null) return;
  if (!isJsonObject(value) || !Object.values(value).every((text) => typeof text === "string"))
    throw new FusewireError(`__metadata__ of ${file} is not a map from text to text; ${DOWNLOAD_AGAIN}`);
}

function parseEntry(value: JsonValue, what: string, dataStart: number, fileSize: number): TensorEntry {
  if (!isJsonObject(value)) throw new FusewireError(`${what} is ${kindOf(value)}, expected an object`);
  const { dtype: storedDtype, shape } = value;
  if (typeof storedDtype !== "string")
    throw new FusewireError(`dtype of ${what} is ${kindOf(storedDtype)}, expected a name such as F32`);
  const dtype =
    storedDtype === DOUBLE
      ? "f32"
      : Object.hasOwn(SAFETENSORS_DTYPES, storedDtype)
        ? SAFETENSORS_DTYPES[storedDtype]
        : undefined;
  const foreign = Object.hasOwn(FOREIGN_BITS, storedDtype) ? FOREIGN_BITS[storedDtype] : undefined;
  if (dtype === undefined && foreign === undefined)
    throw new FusewireError(`${what} has the unknown dtype '${storedDtype}'; ${convertHint()}`);
  if (!isShape(shape))
    throw new FusewireError(
      `shape of ${what} is ${JSON.stringify(shape) ?? "missing"}, expected a list of integers >= 0; ${DOWNLOAD_AGAIN}`,
    );

  const [from, to] = parseOffsets(value.data_offsets, what);
  const type = dtype && { dtype, shape };
  const bytes =
    storedDtype === DOUBLE ? 8 * sizeOf(shape) : type ? bytesOf(type) : (sizeOf(shape) * (foreign ?? 0)) / 8;
  if (bytes !== to - from)
    throw new FusewireError(
      `${what} is ${storedDtype}[${shape.join(",")}], which takes ${bytes} bytes, but data_offsets give ${to - from}; ${DOWNLOAD_AGAIN}`,
    );
  if (dataStart + to > fileSize)
    throw new FusewireError(
      `${what} ends at byte ${dataStart + to}, but the file has only ${fileSize}: the download stopped early; download it again`,
    );
  return { type, storedDtype, shape, begin: dataStart + from, end: dataStart + to };
}

function isShape(shape: JsonValue | undefined): shape is readonly number[] {
  return Array.isArray(shape) && shape.every((n) => isCount(n));
}

const isCount = (n: JsonValue | undefined): n is number =>
  typeof n === "number" && Number.isSafeInteger(n) && n >= 0;

function parseOffsets(offsets: JsonValue | undefined, what: string): [number, number] {
  if (Array.isArray(offsets) && offsets.length === 2) {
    const from: JsonValue | undefined = offsets[0];
    const to: JsonValue | undefined = offsets[1];
    if (isCount(from) && isCount(to) && from <= to) return [from, to];
  }
  throw new FusewireError(
    `data_offsets of ${what} are ${JSON.stringify(offsets) ?? "missing"}, expected two integers 0 <= begin <= end; ${DOWNLOAD_AGAIN}`,
  );
}

/** The format allows neither overlaps nor holes: a byte that two tensors share, or none has, is a sign of damage. */
function checkCoverage(
  entries: readonly [string, TensorEntry][],
  file: string,
  dataStart: number,
  fileSize: number,
): void {
  let end = dataStart;
  let previous = "the header";
  for (const [name, entry] of entries) {
    if (entry.begin < end)
      throw new FusewireError(`tensors '${previous}' and '${name}' of ${file} overlap; ${DOWNLOAD_AGAIN}`);
    if (entry.begin > end)
      throw new FusewireError(
        `${file} has ${entry.begin - end} bytes between ${previous === "the header" ? previous : `'${previous}'`} and '${name}' that belong to no tensor; ${DOWNLOAD_AGAIN}`,
      );
    end = entry.end;
    previous = name;
  }
  if (end < fileSize)
    throw new FusewireError(
      `${file} has ${fileSize - end} bytes after its last tensor that belong to no tensor; ${DOWNLOAD_AGAIN}`,
    );
}

/** The end of every message about a dtype that cannot be read. */
export function convertHint(): string {
  return `supported are ${[...Object.keys(SAFETENSORS_DTYPES), DOUBLE].join(", ")}: convert the checkpoint`;
}
