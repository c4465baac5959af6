import { expect, test } from "vitest";
import { findProxy, hasProxies } from "./proxy.ts";

const [P, HTTPS, HTTP] = ["http://p:3128", "https://hub.example.org/a", "http://hub.example.org/a"];
/** No rule but these, over https. */
const sparing = (NO_PROXY: string) => ({ HTTPS_PROXY: P, NO_PROXY });
const plain = (NO_PROXY: string) => ({ HTTP_PROXY: P, NO_PROXY });

/** Each is what httpx2 2.16 takes, on which huggingface_hub 2.4 stands. */
const CASES: readonly (readonly [
  url: string,
  env: Readonly<Record<string, string>>,
  proxy: string | undefined,
])[] = [
  [HTTPS, { HTTPS_PROXY: P }, P],
  [HTTPS, { https_proxy: P }, P],
  [HTTPS, { HTTP_PROXY: P }, undefined],
  [HTTP, { HTTP_PROXY: P }, P],
  [HTTP, { HTTPS_PROXY: P }, undefined],
  [HTTPS, { ALL_PROXY: P }, P],
  [HTTP, { all_proxy: "p:3128" }, P],
  [HTTPS, { HTTPS_PROXY: "p:3128" }, P],
  [HTTPS, { HTTPS_PROXY: P, https_proxy: "http://q:1" }, "http://q:1"],
  [HTTPS, { HTTPS_PROXY: P, https_proxy: "" }, undefined],
  [HTTP, { HTTP_PROXY: P, REQUEST_METHOD: "GET" }, undefined],
  [HTTP, { http_proxy: P, REQUEST_METHOD: "GET" }, P],
  [HTTPS, sparing("*"), undefined],
  [HTTPS, sparing("hub.example.org"), undefined],
  [HTTPS, sparing("example.org"), undefined],
  [HTTPS, sparing(".example.org"), undefined],
  [HTTPS, sparing(" other.org , example.org"), undefined],
  [HTTPS, sparing("ample.org"), P],
  [HTTPS, sparing("EXAMPLE.org"), undefined],
  [HTTPS, sparing("http://hub.example.org"), P],
  [HTTPS, sparing("https://hub.example.org"), undefined],
  [HTTPS, sparing("https://example.org"), P],
  [HTTPS, sparing("all://*.example.org"), undefined],
  [HTTPS, sparing("hub.example.org:443"), P],
  [HTTPS, sparing("hub.example.org:8080"), P],
  [HTTPS, sparing(""), P],
  [HTTPS, sparing("example.org:8443"), P],
  ["https://example.org/", sparing(".example.org"), P],
  ["https://example.org:8443/", sparing("example.org:8443"), undefined],
  ["https://example.org:8444/", sparing("example.org:8443"), P],
  ["http://127.0.0.1:80/", plain("127.0.0.1"), undefined],
  ["http://127.0.0.1:8080/", plain("127.0.0.1"), undefined],
  ["http://127.0.0.1:8080/", plain("127.0.0.0/8"), undefined],
  ["http://127.0.0.1:8080/", plain("127.0.0.1:8080"), undefined],
  ["http://localhost:8080/", plain("localhost"), undefined],
  ["http://a.localhost:8080/", plain("localhost"), P],
  ["http://[::1]:8080/", plain("::1"), undefined],
  ["http://[::1]:8080/", plain("::2"), P],
  [HTTP, { HTTP_PROXY: P, NO_PROXY: "*", no_proxy: "other.org" }, P],
  [HTTPS, sparing("*.example.org"), undefined],
  [HTTPS, sparing("https://*example.org"), undefined],
  [HTTPS, sparing("10.0.0.0/8,example.com"), P],
  [HTTPS, sparing("[::1]"), P],
  [HTTPS, sparing("hub.example.org/8"), P],
  ["https://example.org/", sparing("*.example.org"), P],
  ["http://10.1.2.3:8080/", plain("10.0.0.0/8"), undefined],
  ["http://10.1.2.3:8080/", plain("10.1.2.3/8"), undefined],
  ["http://10.1.2.3:8080/", plain("11.0.0.0/8"), P],
  ["http://10.1.2.3:8080/", plain("10.0.0.0/99"), P],
  ["http://10.1.2.3:8080/", plain("http://10.0.0.0/8"), undefined],
  ["http://10.1.2.3:8080/", plain("https://10.0.0.0/8"), P],
  ["http://10.1.2.3:8080/", plain("10.1.2.3:81"), P],
  ["http://10.1.2.3:8080/", plain("10.1.2.3:8080"), undefined],
  ["http://10.1.2.3:8080/", plain("::1/64"), P],
  ["http://[::1]:8080/", plain("[::1]"), undefined],
  ["http://[::1]:8080/", plain("::1/64"), undefined],
  ["http://[::1]:8080/", plain("[::1]:8080"), undefined],
  ["http://[::1]:8080/", plain("[::1]:81"), P],
  ["http://[::1]:8080/", plain("10.0.0.0/8"), P],
  ["http://[::1]:8080/", plain("::/0"), undefined],
];

test.each(CASES)("%s with %j: %s", (url, env, proxy) => {
  expect(findProxy(new URL(url), env)).toBe(proxy);
});

test("without a variable nothing is loaded, and what is no address is refused without its password", () => {
  expect(hasProxies({ NO_PROXY: "*", https_proxy: "" })).toBe(false);
  expect(hasProxies({ ALL_PROXY: P })).toBe(true);
  expect(findProxy(new URL(HTTPS), { ALL_PROXY: "socks5h://p:1080" })).toBe("socks5://p:1080");
  const wrong = () => findProxy(new URL(HTTPS), { HTTPS_PROXY: "ftp://me:secret@p:21" });
  expect(wrong).toThrow("'ftp://p:21', is not an address such as http://proxy.example.org:3128");
});
