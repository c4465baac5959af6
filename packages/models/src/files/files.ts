import { FusewireError } from "@fusewire/ir";

/** Random access to the bytes of one file. */
export interface ByteSource {
  /** Bytes in the file. */
  readonly size: number;
  /** Exactly `length` bytes from `offset`. The result may share memory with the source: do not write to it. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** The files of one model, wherever they are: a directory, memory, a server. */
export interface ModelFiles {
  /** What error messages call this place. */
  readonly location: string;
  /** The file of that name, or undefined where there is none. Names use `/` and stay inside the model. */
  open(name: string): Promise<ByteSource | undefined>;
  /** What made a file count as missing, where that is not plain: what a server answered, say. */
  absence?(name: string): string | undefined;
  /** What its user should know of these files, that they are not kept for the next visit, say: a sentence each. */
  notices?(): readonly string[];
  /** Names of the files right inside a folder, [] where there is no such folder. Absent where nobody can tell. */
  list?(folder: string): Promise<readonly string[]>;
  /** Fetches again which of the opened files are damaged, and gives their names. Absent where nobody can tell. */
  repair?(): Promise<readonly string[]>;
}

/** The beginning of an error: that a file is needed and is not there. */
export function hasNo(files: ModelFiles, name: string): string {
  const reason = files.absence?.(name);
  return `${files.location} has no ${name}${reason === undefined ? "" : ` (${reason})`}`;
}

/** True for a relative name such as `model.safetensors` or `onnx/model.json` that cannot leave its directory. */
export function isInsideName(name: string): boolean {
  if (name === "" || name.includes("\\") || name.includes("\0") || /^[A-Za-z]:/.test(name)) return false;
  return name.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

/** Rejects a name that could leave the model's directory; checkpoints are data from strangers. */
export function assertInsideName(name: string, location: string): void {
  if (!isInsideName(name))
    throw new FusewireError(
      `'${name}' is not a file name inside ${location}; use a relative name without '..', such as model.safetensors`,
    );
}

/** Rejects a range that is not wholly inside the file. */
export function assertRange(name: string, size: number, offset: number, length: number): void {
  const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (!whole || offset + length > size)
    throw new FusewireError(
      `cannot read ${length} bytes at ${offset} of ${name}: the file has ${size} bytes; download it again`,
    );
}
