/**
 * Proxies by the environment, as Python's huggingface_hub finds them (httpx2 `trust_env`, over `urllib.request.getproxies`):
 * HTTP_PROXY for http addresses, HTTPS_PROXY for https, ALL_PROXY for either, and NO_PROXY for hosts that need none.
 */
import { BlockList, isIP } from "node:net";
import { FusewireError } from "@fusewire/ir";

type Env = Readonly<Record<string, string | undefined>>;

const SCHEMES = ["http", "https", "all"] as const;

/** Whether any variable names a proxy. */
export const hasProxies = (env: Env): boolean =>
  SCHEMES.some((scheme) => variable(scheme, env) !== undefined);

/** The address of the proxy for a request; undefined where it goes straight. */
export function findProxy({ protocol, hostname, port }: URL, env: Env): string | undefined {
  const scheme = protocol.slice(0, -1);
  const proxy = variable(scheme, env) ?? variable("all", env);
  if (proxy === undefined) return undefined;
  const rules = (variable("no", env) ?? "").split(",").map((rule) => rule.trim().toLowerCase());
  return rules.some((rule) => isSpared(rule, scheme, hostname, port)) ? undefined : proxyUrl(proxy);
}

/** A variable by its small name, which counts before the large one, also when it is empty. */
function variable(scheme: string, env: Env): string | undefined {
  const small = env[`${scheme}_proxy`];
  if (small !== undefined) return small || undefined;
  // In a CGI program anybody can set HTTP_PROXY: by a header "Proxy".
  if (scheme === "http" && env.REQUEST_METHOD !== undefined) return undefined;
  return env[`${scheme.toUpperCase()}_PROXY`] || undefined;
}

/**
 * Whether an entry of NO_PROXY means the host: `*` all, an IP address or "localhost" itself, `10.0.0.0/8` a network,
 * `example.org` itself and what is below, `.example.org` and `*.example.org` only what is below; with `:port` only that port,
 * with `http://` only that scheme and no names below.
 */
function isSpared(rule: string, scheme: string, hostname: string, port: string): boolean {
  if (rule === "*") return true;
  const host = bare(hostname);
  const [, only = "all", rest = ""] = /^(?:([a-z]+):\/\/)?(.*)$/.exec(rule) ?? [];
  if (only !== "all" && only !== scheme) return false;
  const [address = "", bits] = rest.split("/");
  if (isIP(bare(address)) !== 0)
    return bits === undefined ? host === bare(address) : isWithin(host, address, bits);
  const [, star = "", name = "", itsPort = port] = /^(\*?)(\[.*\]|[^:/]*)(?::(\d+))?/.exec(rest) ?? [];
  if (name === "" || bits !== undefined || itsPort !== port) return false;
  if (host === bare(name)) return true;
  const exact = isIP(bare(name)) !== 0 || name === "localhost" || (rule.includes("://") && star === "");
  return !exact && host.endsWith(name.startsWith(".") ? name : `.${name}`);
}

/** An IPv6 address without its brackets. */
const bare = (host: string): string => host.replace(/^\[(.*)\]$/, "$1");

function isWithin(host: string, address: string, bits: string): boolean {
  const version = isIP(bare(address));
  if (isIP(host) !== version || !/^\d+$/.test(bits) || Number(bits) > (version === 6 ? 128 : 32))
    return false;
  const network = new BlockList();
  const family = version === 6 ? "ipv6" : "ipv4";
  network.addSubnet(bare(address), Number(bits), family);
  return network.check(host, family);
}

/** An address without a scheme is of http, as for Python. Names are left to a SOCKS proxy either way. */
function proxyUrl(value: string): string {
  const text = /^\w+:\/\//.test(value) ? value.replace(/^socks5h:/, "socks5:") : `http://${value}`;
  if (!URL.canParse(text) || !/^(?:https?|socks5?):/.test(text))
    throw new FusewireError(
      `the proxy that the environment names, '${withoutPassword(value)}', is not an address such as http://proxy.example.org:3128`,
    );
  return text;
}

const withoutPassword = (value: string): string => value.replace(/\/\/.*@/, "//");
