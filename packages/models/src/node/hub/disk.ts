import { randomUUID } from "node:crypto";
import { mkdir, rename, rm, stat, statfs, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { FusewireError } from "@fusewire/ir";

export const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : String(error);

/** Turns a failure to write into one that names the fix; others pass as they are. */
export function diskError(path: string, error: unknown): unknown {
  const code = codeOf(error);
  if (code === "ENOSPC" || code === "EDQUOT")
    return new FusewireError(
      `the disk is full: cannot write '${path}'; free some space, or choose another place with cache_dir or HF_HUB_CACHE, and run again to go on from here`,
      { cause: error },
    );
  if (code === "EACCES" || code === "EPERM" || code === "EROFS" || code === "ENOTDIR")
    return new FusewireError(
      `cannot write '${path}' (${code}); choose another place with cache_dir or HF_HUB_CACHE`,
      { cause: error },
    );
  return error;
}

export const readError = (path: string, cause: unknown): FusewireError =>
  new FusewireError(`cannot read '${path}' (${codeOf(cause)}); check who may read it`, { cause });

/** Fails before a download that cannot fit. */
export async function assertSpace(folder: string, bytes: number, file: string): Promise<void> {
  // Where the system cannot tell, writing will.
  const space = await statfs(folder).catch(() => undefined);
  const free = space && space.bavail * space.bsize;
  if (free !== undefined && free < bytes)
    throw new FusewireError(
      `the disk is too full for ${file}: ${megabytes(bytes)} more are needed and ${megabytes(free)} are free in '${folder}'; free some space, or choose another place with cache_dir or HF_HUB_CACHE`,
    );
}

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;

/** Size and time of a file (behind a link), or undefined where there is none. */
export async function statFile(path: string): Promise<{ size: number; mtimeMs: number } | undefined> {
  const info = await stat(path).catch((error) => {
    if (["ENOENT", "ENOTDIR", "ELOOP"].includes(codeOf(error))) return undefined;
    throw readError(path, error);
  });
  return info?.isFile() ? { size: info.size, mtimeMs: info.mtimeMs } : undefined;
}

/** Makes the file at once, as a whole, by whatever `make` does at a name of its own beside it. */
export async function replaceFile(path: string, make: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${path}.${randomUUID().slice(0, 8)}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await make(temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw diskError(path, error);
  }
}

/** Writes a small text file as a whole. */
export const replaceText = (path: string, text: string): Promise<void> =>
  replaceFile(path, (temporary) => writeFile(temporary, text));
