import type { MiddlewareHandler } from "hono";
import { HttpError } from "./errors.ts";

/** Who may ask. */
export interface GuardOptions {
  /** Keys of which a request must bring one; undefined: nobody needs one. */
  readonly apiKeys?: readonly string[] | undefined;
  /** Names under which the server is reached; undefined: any. A page of another origin would use its own. */
  readonly hosts?: readonly string[] | undefined;
  /** Paths that need no key. */
  readonly open: readonly string[];
}

declare module "hono" {
  interface ContextVariableMap {
    /** Whose request it is: a digest of its key, for keys are not kept. */
    tenant: string;
  }
}

/**
 * Lets requests through that bring a key, by `Authorization: Bearer` or `x-api-key`, and ask for this server by its own
 * name: a page that a browser has open could otherwise reach a server on the same machine (DNS rebinding).
 */
export function guard({ apiKeys, hosts, open }: GuardOptions): MiddlewareHandler {
  const known = apiKeys && Promise.all(apiKeys.map(digest));
  return async (c, next) => {
    const { hostname } = new URL(c.req.url);
    if (hosts && !hosts.includes(hostname))
      throw new HttpError({
        status: 403,
        message: `this server is not '${hostname}'; --allowed-host names others`,
      });
    const origin = c.req.header("origin");
    if (hosts && origin !== undefined && !hosts.some((host) => hostOf(origin) === host))
      throw new HttpError({
        status: 403,
        message: `pages of ${origin} may not ask this server; --allowed-host lets them`,
      });
    const given = c.req.header("authorization")?.replace(/^bearer /i, "") ?? c.req.header("x-api-key") ?? "";
    const tenant = known ? await digest(given) : "";
    c.set("tenant", tenant);
    if (known && !open.includes(c.req.path) && !(await known).some((key) => equal(key, tenant)))
      throw new HttpError({
        status: 401,
        message: "the API key is missing or wrong",
        code: "invalid_api_key",
      });
    await next();
  };
}

const hostOf = (origin: string): string | undefined => {
  try {
    return new URL(origin).hostname;
  } catch {
    return undefined;
  }
};

/** SHA-256 in hex. */
async function digest(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Takes as long for digests that differ in their first letter as for those that differ in the last. */
const equal = (a: string, b: string): boolean => {
  let difference = a.length ^ b.length;
  for (let k = 0; k < a.length; k++) difference |= a.charCodeAt(k) ^ b.charCodeAt(k);
  return difference === 0;
};
