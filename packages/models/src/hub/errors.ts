import { FusewireError } from "@fusewire/ir";
import type { HubClient } from "./client.ts";

/** The hub could not be asked: what is cached may still serve. */
export class UnreachableError extends FusewireError {}

const GIVE_TOKEN =
  "give a token: the option token, the variable HF_TOKEN, or 'hf auth login' (make one at https://huggingface.co/settings/tokens)";

/** The error for an answer that trying again would not change. Holds neither the token nor a signed address. */
export function statusError(
  client: HubClient,
  status: number,
  headers: Headers,
  file?: string,
): FusewireError {
  const { endpoint, name, revision, token } = client;
  const page = `${endpoint}/${name}`;
  const code = headers.get("x-error-code");
  if (code === "GatedRepo")
    return new FusewireError(
      token === undefined
        ? `'${name}' is gated: accept its terms at ${page}, then ${GIVE_TOKEN}`
        : `'${name}' is gated and the account of this token has no access; ask for it at ${page}`,
    );
  if (code === "RevisionNotFound")
    return new FusewireError(
      `'${name}' has no revision '${revision}'; give a branch, tag or commit of ${page}/tree/main`,
    );
  if (code === "EntryNotFound" || (status === 404 && file !== undefined && code !== "RepoNotFound"))
    return new FusewireError(
      `'${name}' has no file ${file ?? ""} in revision '${revision}'; see ${page}/tree/main`,
    );
  if (status === 404 || code === "RepoNotFound" || (status === 401 && token === undefined))
    return new FusewireError(
      `there is no model '${name}' at ${endpoint}, or it is private; check the name` +
        (token === undefined ? `, or ${GIVE_TOKEN}` : ", and that the account of this token may see it"),
    );
  if (status === 401)
    return new FusewireError(
      `the hub refuses the token (401) for '${name}'; check that it is complete and has not expired, or ${GIVE_TOKEN}`,
    );
  if (status === 403)
    return new FusewireError(
      token === undefined
        ? `the hub forbids '${name}' without a token (403); ${GIVE_TOKEN}`
        : `this token may not read '${name}' (403); give it read access to that model`,
    );
  return new FusewireError(
    `the hub answers ${status} for ${file === undefined ? `'${name}'` : `${file} of '${name}'`}; check the endpoint ${endpoint}`,
  );
}

/** The error where a file would have to be fetched but nothing may be asked. */
export function notCachedError(
  client: HubClient,
  what: string,
  place: string,
  reason: string,
): FusewireError {
  const revision = client.revision === "main" ? "" : ` --revision ${client.revision}`;
  return new FusewireError(
    `${what} is not in ${place} and ${reason}; run 'fusewire pull ${client.name}${revision}' where the hub can be reached`,
  );
}
