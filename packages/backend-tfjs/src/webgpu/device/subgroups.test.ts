import { afterAll, beforeAll, expect, test } from "vitest";
import { type OpenDevice, openDevice } from "./open_device.ts";
import { probeSubgroups } from "./subgroups.ts";

let open: OpenDevice;
beforeAll(async () => {
  open = await openDevice();
});
afterAll(() => open.dispose());

/** A driver that compiles other code than it was given. */
const miscompiling = (change: (code: string) => string): GPUDevice =>
  new Proxy(open.device, {
    get(device, key) {
      if (key === "createShaderModule")
        return ({ code }: GPUShaderModuleDescriptor) => device.createShaderModule({ code: change(code) });
      const value: unknown = Reflect.get(device, key);
      return typeof value === "function" ? value.bind(device) : value;
    },
  });

const probe = (device: GPUDevice, claimed: number) => probeSubgroups(device, claimed, open.arrive);

test("SwiftShader's subgroups of 4 lanes are seen", () => {
  expect(open.subgroups).toEqual({ claimed: 4, width: 4 });
});

test("what the driver claims beyond that is not believed, nor is less than it claims taken for more", async () => {
  expect(await probe(open.device, 32)).toEqual({ claimed: 32, width: 4 });
  expect(await probe(open.device, 2)).toEqual({ claimed: 2, width: 2 });
});

test.each([
  ["lanes in another order", "word(i ^ 2u)", "word(i ^ 3u)", 2],
  ["no exchange at all", "subgroupShuffleXor(word(i), 1u)", "word(i)", 1],
  ["code that does not compile", "enable subgroups;", "enable nothing;", 1],
])("%s", async (_what, from, to, width) => {
  const device = miscompiling((code) => code.replace(from, to));
  expect(await probe(device, 4)).toEqual({ claimed: 4, width });
  expect(open.fault()).toBeUndefined();
});

test("a device that computes nothing has none", async () => {
  const idle = await openDevice({ dawn: ["backend=null"] });
  expect(idle.subgroups.width).toBe(1);
  idle.dispose();
});
