import { FusewireError } from "@fusewire/ir";
import { hasNo, type ModelFiles } from "./files.ts";
import { findJsonProblem } from "./json-scan.ts";

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The text of a UTF-8 file, or undefined where there is none. */
export async function readText(files: ModelFiles, name: string): Promise<string | undefined> {
  const source = await files.open(name);
  if (!source) return undefined;
  try {
    return decodeUtf8(await source.read(0, source.size), name);
  } finally {
    await source.close();
  }
}

/**
 * A JSON file whose top is an object. Where it is missing: undefined, or an error if it is `required`.
 * Broken JSON is an error that names the file, the line and the column.
 */
export function readJson(
  files: ModelFiles,
  name: string,
  options: { readonly required: true },
): Promise<JsonObject>;
export function readJson(
  files: ModelFiles,
  name: string,
  options?: { readonly required?: boolean },
): Promise<JsonObject | undefined>;
export async function readJson(
  files: ModelFiles,
  name: string,
  options: { readonly required?: boolean } = {},
): Promise<JsonObject | undefined> {
  const text = await readText(files, name);
  if (text !== undefined) return parseJsonObject(text, name);
  if (options.required)
    throw new FusewireError(`${hasNo(files, name)}; download it from the model's page into the same place`);
  return undefined;
}

/** Parses the text of `name`, which must hold one JSON object. */
export function parseJsonObject(text: string, name: string): JsonObject {
  if (isLfsPointer(text)) throw lfsPointerError(name);
  let value: unknown;
  try {
    value = parseLikePython(text);
  } catch {
    const problem = findJsonProblem(text);
    throw new FusewireError(
      `${name} is not valid JSON${problem ? `: ${problem.reason} at ${lineAndColumn(text, problem.offset)}` : ""}; repair it or download it again`,
    );
  }
  if (!isJsonObject(value))
    throw new FusewireError(
      `${name} holds ${kindOf(value)}, expected a JSON object {…}; download the file again`,
    );
  return value;
}

const NOT_A_NUMBER = "\u0000NaN";
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g;

/** JSON with NaN and Infinity among its numbers, as Python's json module writes them. */
function parseLikePython(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // A number too large for a double reads as infinite.
    const plain = text.replace(STRING_OR_NUMBER, (found) =>
      found.startsWith('"')
        ? found
        : found === "NaN"
          ? JSON.stringify(NOT_A_NUMBER)
          : found.replace("Infinity", "1e999"),
    );
    if (plain === text) throw error;
    return JSON.parse(plain, (_, value: unknown) => (value === NOT_A_NUMBER ? Number.NaN : value));
  }
}

/** Strict UTF-8 text of `name`; a byte order mark is dropped. */
export function decodeUtf8(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new FusewireError(`${name} is not UTF-8 text; download the file again`);
  }
}

const LFS_POINTER = "version https://git-lfs";

/** A clone without Git LFS leaves short text files where the big ones should be. */
export const isLfsPointer = (text: string): boolean => text.startsWith(LFS_POINTER);

export const lfsPointerError = (name: string): FusewireError =>
  new FusewireError(
    `${name} is a Git LFS pointer, not the file itself; run 'git lfs pull' where you cloned it`,
  );

/** How a message calls a JSON value. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  if (typeof value === "string")
    return `the text ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)}`;
  return String(value);
}

function lineAndColumn(text: string, offset: number): string {
  const before = text.slice(0, offset).split("\n");
  return `line ${before.length}, column ${(before.at(-1) ?? "").length + 1}`;
}
