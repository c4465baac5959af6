import { expect, test } from "vitest";
import { openDevice } from "./device/open_device.ts";
import { variantsFor } from "./variant.ts";

test("kernels exchange values as was seen to work, and use the memory that the device has", async () => {
  const open = await openDevice();
  const cuts = (change: Partial<typeof open>) =>
    variantsFor({ ...open, ...change }).map(({ shuffles, memory }) => [shuffles, memory]);
  const memory = open.device.limits.maxComputeWorkgroupStorageSize;
  expect(cuts({})).toEqual([
    [4, memory],
    [4, memory],
  ]);
  expect(cuts({ subgroups: { claimed: 4, width: 2 } })).toEqual([
    [2, memory],
    [2, memory],
  ]);
  open.dispose();
});
