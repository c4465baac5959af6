import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { FusewireError } from "@fusewire/ir";
import { assertInsideName, assertRange, type ByteSource, type ModelFiles } from "../files/index.ts";

// Node cannot read more than 2^31 - 1 bytes at once.
const LARGEST_READ = 2 ** 30;

/** The files of a Hugging Face model directory (config.json and others); opened on demand, read by ranges. */
export async function openModelDirectory(path: string): Promise<ModelFiles> {
  const found = await statOrUndefined(path);
  if (!found)
    throw new FusewireError(
      `there is no model directory '${path}'; give the path of a directory with config.json and model.safetensors`,
    );
  if (!found.isDirectory())
    throw new FusewireError(`'${path}' is a file; give the path of the directory that it is in`);
  const names = await readdir(path).catch((cause) => {
    throw systemError(path, cause);
  });
  if (!names.includes("config.json")) {
    const some = names.slice(0, 8).join(", ");
    throw new FusewireError(
      `'${path}' has no config.json, so it is not a Hugging Face model directory; it holds ` +
        `${some === "" ? "nothing" : `${some}${names.length > 8 ? ", …" : ""}`}: give the directory that has config.json`,
    );
  }
  return {
    location: `'${path}'`,
    async open(name) {
      assertInsideName(name, `'${path}'`);
      return openFile(join(path, name));
    },
    async list(folder) {
      assertInsideName(folder, `'${path}'`);
      const inside = join(path, folder);
      if (!(await statOrUndefined(inside))?.isDirectory()) return [];
      const entries = await readdir(inside, { withFileTypes: true }).catch((cause) => {
        throw systemError(inside, cause);
      });
      // In a cache the files are links: whether one leads to a file, open() tells.
      return entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
    },
  };
}

/** One file of the disk, or undefined where there is none. */
export async function openFile(path: string): Promise<ByteSource | undefined> {
  const info = await statOrUndefined(path);
  return info?.isFile() ? fileSource(path, info.size) : undefined;
}

async function fileSource(path: string, size: number): Promise<ByteSource> {
  const handle = await open(path).catch((cause) => {
    throw systemError(path, cause);
  });
  return {
    size,
    async read(offset, length) {
      assertRange(path, size, offset, length);
      return readFully(handle, path, offset, length);
    },
    close: () => handle.close(),
  };
}

async function readFully(
  handle: FileHandle,
  path: string,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle
      .read(bytes, done, Math.min(length - done, LARGEST_READ), offset + done)
      .catch((cause) => {
        throw systemError(path, cause);
      });
    if (bytesRead === 0)
      throw new FusewireError(
        `'${path}' became shorter while it was read; keep it unchanged, then load again`,
      );
    done += bytesRead;
  }
  return bytes;
}

async function statOrUndefined(path: string) {
  try {
    return await stat(path);
  } catch (cause) {
    const code = codeOf(cause);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw systemError(path, cause);
  }
}

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);

const systemError = (path: string, cause: unknown): FusewireError =>
  new FusewireError(`cannot read '${path}' (${codeOf(cause)}); check that it exists and may be read`, {
    cause,
  });
