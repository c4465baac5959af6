import type { OpenDevice } from "@fusewire/backend-tfjs";

const SIZE = 1 << 26;
const COPIES = 8;

/** GB a second that copying from buffer to buffer reads and writes, the best of a few rounds. */
export async function copyBandwidth({ device }: OpenDevice): Promise<number> {
  const usage = 128 | 8 | 4;
  const buffers = [0, 1].map(() => device.createBuffer({ size: SIZE, usage }));
  const rates: number[] = [];
  for (let round = 0; round < 5; round++) {
    await device.queue.onSubmittedWorkDone();
    const begin = performance.now();
    const encoder = device.createCommandEncoder();
    for (let k = 0; k < COPIES; k++)
      encoder.copyBufferToBuffer(buffers[k % 2]!, 0, buffers[(k + 1) % 2]!, 0, SIZE);
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    rates.push((2 * COPIES * SIZE) / (performance.now() - begin) / 1e6);
  }
  for (const buffer of buffers) buffer.destroy();
  return Math.max(...rates);
}
