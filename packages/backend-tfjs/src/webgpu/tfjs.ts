/**
 * TensorFlow.js on the engine's device, sharing tensors both ways without copies: `@fusewire/backend-tfjs/tfjs`. Apart
 * from the main entry, because tfjs's types bring their own WebGPU, which disagrees with TypeScript's.
 */
import { FusewireError, type Shape } from "@fusewire/ir";
import * as tf from "@tensorflow/tfjs-core";
import type { OpenDevice } from "./device/open_device.ts";

type Backend = import("@tensorflow/tfjs-backend-webgpu").WebGPUBackend;

/** The parts of tfjs's backend that are not public, as they are in 4.22. */
interface Internals {
  readonly device: GPUDevice;
  readonly commandEncoder: GPUCommandEncoder | null;
  endComputePassEncoder(): void;
  submitQueue(): void;
  uploadToGPU(dataId: object): void;
  readonly tensorMap: { get(dataId: object): { resource?: GPUBuffer; values?: unknown } };
}

const internals = (backend: Backend): Internals => backend as unknown as Internals;

/** tfjs's side of a shared device. */
export interface TfjsOnDevice {
  readonly backend: tf.KernelBackend;
  /** A tensor that is the buffer itself. Its `data()` is cached on the host when first read; see `forget`. */
  wrap(buffer: GPUBuffer, shape: Shape, dtype: "float32" | "int32"): tf.Tensor;
  /** The buffer behind a tensor, which must live on: tfjs gives a disposed tensor's buffer to the next one. */
  bufferOf(tensor: tf.Tensor): GPUBuffer;
  /** Sends off what tfjs has only recorded: to be called before the engine's submits read its results. */
  flush(): void;
  /** Makes tfjs read a wrapped buffer again, after others have written to it. */
  forget(tensor: tf.Tensor): void;
}

/**
 * Makes the tfjs backend `webgpu` on this device, in the place of one that is registered, and makes it current. In
 * Node, `globals` must be those of the package `webgpu`, which tfjs looks for in the global scope.
 */
export async function shareWithTfjs(
  device: OpenDevice,
  globals: Readonly<Record<string, unknown>> = {},
): Promise<TfjsOnDevice> {
  for (const [name, value] of Object.entries({ navigator: {}, ...globals }))
    if (!(name in globalThis)) Object.defineProperty(globalThis, name, { value, configurable: true });
  if (!("gpu" in navigator))
    Object.defineProperty(navigator, "gpu", { value: device.gpu, configurable: true });
  if (typeof GPUBuffer === "undefined")
    throw new FusewireError(
      "tfjs needs the classes of WebGPU in the global scope; pass the globals of 'webgpu'",
    );
  const { WebGPUBackend } = await import("@tensorflow/tfjs-backend-webgpu");
  if (tf.findBackendFactory("webgpu")) tf.removeBackend("webgpu");
  tf.registerBackend("webgpu", () => new WebGPUBackend(device.device, device.adapter), 3);
  await tf.setBackend("webgpu");
  const backend = tf.backend() as Backend;
  const inner = internals(backend);
  return {
    backend,
    wrap: (buffer, shape, dtype) => tf.tensor({ buffer, zeroCopy: true }, [...shape], dtype),
    bufferOf(tensor) {
      inner.uploadToGPU(tensor.dataId);
      return inner.tensorMap.get(tensor.dataId).resource!;
    },
    flush() {
      inner.endComputePassEncoder();
      if (inner.commandEncoder) inner.submitQueue();
    },
    forget(tensor) {
      delete inner.tensorMap.get(tensor.dataId).values;
    },
  };
}
