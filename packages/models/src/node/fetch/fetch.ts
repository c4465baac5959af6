import type { Fetch } from "../../web/fetch.ts";
import { findProxy, hasProxies } from "./proxy.ts";

/**
 * Node's own fetch or, where the environment names a proxy, one that goes through it. Deno and Bun look at the variables
 * themselves, Node only where a flag of later versions asks for it.
 */
export function createFetch(env: NodeJS.ProcessEnv = process.env): Fetch {
  const { versions } = process;
  if (!hasProxies(env) || "bun" in versions || "deno" in versions) return (url, init) => fetch(url, init);
  let opening: Promise<Fetch> | undefined;
  return async (url, init) => {
    opening ??= openProxied(env);
    return (await opening)(url, init);
  };
}

/** Loaded only where it is needed, for it is larger than all else that reads models. */
async function openProxied(env: NodeJS.ProcessEnv): Promise<Fetch> {
  const { Agent, fetch: send, ProxyAgent } = await import("undici");
  const direct = new Agent();
  const agents = new Map<string, InstanceType<typeof ProxyAgent>>();
  const agentOf = (origin: URL) => {
    const proxy = findProxy(origin, env);
    if (proxy === undefined) return direct;
    // Addresses of plain http are given to the proxy whole, as curl and Python do; others through a tunnel.
    const agent = agents.get(proxy) ?? new ProxyAgent({ uri: proxy, proxyTunnel: false });
    agents.set(proxy, agent);
    return agent;
  };
  // By the address of each request, for a redirect may lead to a host that has another proxy or none.
  const dispatcher = direct.compose(
    () => (options, handler) => agentOf(new URL(options.origin ?? "")).dispatch(options, handler),
  );
  return async (url, init) => {
    try {
      // undici has types of its own for what is the same.
      const request = { ...init, dispatcher } as Parameters<typeof send>[1];
      return (await send(url, request)) as unknown as Response;
    } catch (error) {
      const proxy = findProxy(new URL(url), env);
      if (proxy === undefined || init.signal?.aborted) throw error;
      throw new Error(
        `${reasonOf(error)} by way of the proxy ${new URL(proxy).host}, which the environment names`,
      );
    }
  };
}

/** undici hides the reason of "fetch failed" in its cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (cause instanceof Error && "code" in cause && cause.message === "") return String(cause.code);
  return cause instanceof Error ? cause.message : String(cause);
}
