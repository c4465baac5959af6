/** Requests through a proxy on this machine, to hosts that no name server knows. */
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { fetchFiles, readText } from "../files/index.ts";
import { createFetch } from "./fetch/fetch.ts";
import { openHubModel } from "./hub/index.ts";
import { MODEL, newFolder, QUICK } from "./testing/hub-fixture.ts";
import { type FakeHub, startHub } from "./testing/hub-server.ts";

let hub: FakeHub;
let proxy: Server;
let address: string;
/** What the proxy was asked for: addresses and, for tunnels, hosts. */
let asked: string[] = [];
let credentials: (string | undefined)[] = [];

beforeAll(async () => {
  hub = await startHub({ "org/tiny": MODEL });
  const { port } = new URL(hub.url);
  const note = ({ url = "", headers }: IncomingMessage): void => {
    asked.push(url);
    credentials.push(headers["proxy-authorization"]);
  };
  proxy = createServer((incoming, outgoing) => {
    note(incoming);
    const { pathname, search } = new URL(incoming.url ?? "");
    const { method, headers } = incoming;
    request(`${hub.url}${pathname}${search}`, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    }).end();
  });
  proxy.on("connect", (incoming: IncomingMessage, socket) => {
    note(incoming);
    // Nobody behind it speaks TLS, so the request fails after the tunnel is there.
    const target = connect(Number(port), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      target.pipe(socket);
      socket.pipe(target);
    });
    for (const end of [target, socket]) end.on("error", () => target.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  address = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
});
afterAll(async () => {
  proxy.close();
  await hub.close();
});
beforeEach(() => {
  asked = [];
  credentials = [];
});

const config = "http://hub.internal.test/org/tiny/resolve/main/config.json";
const get = (env: NodeJS.ProcessEnv, url = config) => createFetch(env)(url, {});

test("addresses of http are given to the proxy whole, with its credentials", async () => {
  const response = await get({ http_proxy: `me:p%40ss@${address}` });
  expect(response.status).toBe(200);
  expect(await response.text()).toContain("{");
  expect(asked).toEqual([config]);
  expect(credentials).toEqual([`Basic ${Buffer.from("me:p@ss").toString("base64")}`]);
});

test("addresses of https go through a tunnel, and a failure names the proxy without its password", async () => {
  const failed = get({ HTTPS_PROXY: `http://me:secret@${address}` }, "https://hub.internal.test/a");
  await expect(failed).rejects.toThrow(`by way of the proxy ${address}, which the environment names`);
  await expect(failed).rejects.not.toThrow("secret");
  expect(asked).toEqual(["hub.internal.test:443"]);
  const nobody = get({ HTTPS_PROXY: "http://127.0.0.1:1" }, "https://hub.internal.test/a");
  await expect(nobody).rejects.toThrow("ECONNREFUSED 127.0.0.1:1 by way of the proxy 127.0.0.1:1");
});

test("NO_PROXY and other schemes go straight, also after a redirect", async () => {
  const straight = `${hub.url}/org/tiny/resolve/main/config.json`;
  for (const env of [{ HTTP_PROXY: address, NO_PROXY: "127.0.0.1" }, { HTTPS_PROXY: address }, {}])
    expect((await get(env, straight)).status).toBe(200);
  expect(asked).toEqual([]);
  // The hub sends to its store, which here is on this machine.
  const weights = "http://hub.internal.test/org/tiny/resolve/main/model.safetensors";
  const response = await get({ HTTP_PROXY: address, NO_PROXY: "127.0.0.1" }, weights);
  expect(response.status).toBe(200);
  expect(new URL(response.url).hostname).toBe("127.0.0.1");
  expect(asked).toEqual([weights]);
});

test("an aborted request is no failure of the proxy", async () => {
  const signal = AbortSignal.abort(new Error("enough"));
  await expect(createFetch({ HTTP_PROXY: address })(config, { signal })).rejects.toThrow("enough");
});

test("models of the hub and of web folders take the proxy", async () => {
  const folder = await newFolder();
  vi.stubEnv("http_proxy", address);
  vi.stubEnv("no_proxy", "127.0.0.1");
  try {
    const transport = { ...QUICK, fetch: createFetch() };
    const options = { endpoint: "http://hub.internal.test", token: false, cache_dir: folder.path } as const;
    const model = await openHubModel("org/tiny", options, transport);
    expect(await readText(model, "config.json")).toContain("{");
    expect(asked.length).toBeGreaterThan(2);
    asked = [];
    const files = fetchFiles("http://hub.internal.test/org/tiny/resolve/main");
    expect(await readText(files, "config.json")).toContain("{");
    expect(asked).toEqual([config]);
  } finally {
    vi.unstubAllEnvs();
    await folder.remove();
  }
});
