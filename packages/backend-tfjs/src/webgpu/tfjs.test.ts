import * as tf from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import { globals } from "webgpu";
import { openDevice } from "./device/open_device.ts";
import { shareWithTfjs } from "./tfjs.ts";

test("tfjs runs on the engine's device and shares buffers both ways", async () => {
  const device = await openDevice();
  const shared = await shareWithTfjs(device, globals as Record<string, unknown>);
  expect((shared.backend as unknown as { device: GPUDevice }).device).toBe(device.device);

  const buffer = device.device.createBuffer({ size: 16, usage: 140 });
  device.device.queue.writeBuffer(buffer, 0, new Float32Array([1, 2, 3, 4]));
  const wrapped = shared.wrap(buffer, [4], "float32");
  expect(shared.bufferOf(wrapped)).toBe(buffer);
  expect([...(await tf.mul(wrapped, 2).data())]).toEqual([2, 4, 6, 8]);
  expect([...(await wrapped.data())]).toEqual([1, 2, 3, 4]);
  device.device.queue.writeBuffer(buffer, 0, new Float32Array([5, 6, 7, 8]));
  shared.forget(wrapped);
  expect([...(await wrapped.data())]).toEqual([5, 6, 7, 8]);

  // What tfjs computes, seen by a submit of our own.
  const product = tf.keep(tf.mul(wrapped, tf.tensor([1, 10, 100, 1000])));
  const source = shared.bufferOf(product);
  shared.flush();
  const staging = device.device.createBuffer({ size: 16, usage: 9 });
  const encoder = device.device.createCommandEncoder();
  encoder.copyBufferToBuffer(source, 0, staging, 0, 16);
  device.device.queue.submit([encoder.finish()]);
  await staging.mapAsync(1);
  expect([...new Float32Array(staging.getMappedRange())]).toEqual([5, 60, 700, 8000]);
  wrapped.dispose();
  product.dispose();
  device.dispose();
});
