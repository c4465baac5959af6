import { FusewireError } from "@fusewire/ir";
import { isInsideName } from "../files/index.ts";

export const DEFAULT_ENDPOINT = "https://huggingface.co";
export const DEFAULT_REVISION = "main";

const PART = /^[A-Za-z0-9_](?:[\w.-]{0,94}[A-Za-z0-9_])?$/;

/** True for `owner/name`, or a `name` of the hub's oldest models, as the hub allows them. */
export function isRepoId(text: string): boolean {
  const parts = text.split("/");
  return (
    parts.length <= 2 &&
    parts.every((part) => PART.test(part) && !part.includes("--") && !part.includes("..")) &&
    !text.endsWith(".git")
  );
}

/** Rejects what cannot be the name of a repository, before it becomes part of a path or an address. */
export function assertRepoId(text: string): void {
  if (!isRepoId(text))
    throw new FusewireError(
      `${JSON.stringify(text)} is not a model name of the hub; expected owner/name, with letters, digits and . _ -, no '--' or '..'`,
    );
}

/** Rejects what cannot be a branch, tag or commit: it becomes a file name in the cache. */
export function assertRevision(text: string): void {
  if (!isInsideName(text) || [...text].some((char) => char <= " " || "~^:?*[\x7f".includes(char)))
    throw new FusewireError(
      `${JSON.stringify(text)} is not a revision; give a branch, a tag or a commit, such as main`,
    );
}

/** True for a whole commit hash, which always means the same files. */
export const isCommit = (text: string): boolean => /^[0-9a-f]{40}$/.test(text);

/** The address without a slash at its end. */
export function checkEndpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "https:" && url?.protocol !== "http:")
    throw new FusewireError(
      `the hub's endpoint ${JSON.stringify(text)} is not an address; expected one such as ${DEFAULT_ENDPOINT}`,
    );
  if (url.username !== "" || url.password !== "")
    throw new FusewireError("the hub's endpoint holds a user name or password; give a token instead");
  return text.replace(/\/+$/, "");
}
