import { SMALLER, WebGpuError } from "../device/errors.ts";
import { USAGE } from "../device/flags.ts";
import type { OpenDevice } from "../device/open_device.ts";

/** What buffers are for: what programs work on, what the host reads back from, and sizes. */
export type Purpose = "storage" | "staging" | "uniform";

const USAGES: Readonly<Record<Purpose, number>> = {
  storage: USAGE.STORAGE | USAGE.COPY_SRC | USAGE.COPY_DST,
  staging: USAGE.MAP_READ | USAGE.COPY_DST,
  uniform: USAGE.UNIFORM | USAGE.COPY_DST,
};

export interface MemoryLimits {
  /** Bytes that the engine may hold on the device. */
  readonly max_memory?: number;
  /** Bytes that one binding may hold, where less than the adapter binds is to be assumed. */
  readonly largest_binding?: number;
}

/** Bytes about to be allocated, by what they are for. */
export type Needs = Readonly<Record<string, number>>;

/** Buffers made together, all or none. */
export interface Together<T> {
  readonly made: T;
  /**
   * Fails where the GPU turned out to have no memory for them, and then all of them are free again. Nothing may be
   * submitted that uses them before.
   */
  readonly checked: Promise<void>;
}

/** Buffers of one engine on one device, counted. */
export interface Memory {
  /** Bytes of the largest tensor that a kernel sees whole. */
  readonly largestBinding: number;
  /** Throws unless all this fits into what the engine may hold: to be asked before the first part is allocated. */
  checkRoom(what: string, needs: Needs): void;
  /** Calls `make`, which allocates without waiting; where it throws, nothing is left of what it allocated. */
  together<T>(what: string, make: () => T): Together<T>;
  /** A buffer; to be called inside `together`. */
  allocate(what: string, bytes: number, purpose?: Purpose): GPUBuffer;
  free(buffer: GPUBuffer): void;
  freeAll(): void;
  /** Whether the device was lost and another one took its place: all that lies here is gone. */
  readonly lost: boolean;
  lose(): void;
  held(): { readonly bytes: number; readonly tensors: number };
}

export const allocatedBytes = (bytes: number): number => Math.max(16, Math.ceil(bytes / 16) * 16);

export function createMemory(open: OpenDevice, limits: MemoryLimits): Memory {
  const { device, facts } = open;
  const { max_memory: allowed = Number.POSITIVE_INFINITY, largest_binding = Number.POSITIVE_INFINITY } =
    limits;
  const { maxBufferSize, maxStorageBufferBindingSize } = facts.limits;
  const buffers = new Set<GPUBuffer>();
  /** What the call of `together` that runs now has allocated. */
  let fresh: GPUBuffer[] = [];
  let held = 0;
  let lost = false;

  const free = (buffer: GPUBuffer): void => {
    if (!buffers.delete(buffer)) return;
    held -= buffer.size;
    buffer.destroy();
  };

  function checkRoom(what: string, needs: Needs): void {
    const parts = Object.entries(needs).filter(([, bytes]) => bytes > 0);
    const needed = parts.reduce((sum, [, bytes]) => sum + bytes, 0);
    if (held + needed <= allowed) return;
    const listed = parts.map(([name, bytes]) => `${name} ${bytes}`).join(", ");
    throw new WebGpuError(
      "out-of-memory",
      `${what} needs ${needed} bytes (${listed}) beside the ${held} in use, and max_memory allows ${allowed}; raise it, ${SMALLER}`,
      needed,
    );
  }

  /** Waits for the two error scopes of what was made. */
  async function check(what: string, made: readonly GPUBuffer[]): Promise<void> {
    const needed = made.reduce((sum, { size }) => sum + size, 0);
    const scopes = [device.popErrorScope(), device.popErrorScope()];
    const [full, refused] = await open.finish(Promise.all(scopes));
    if (!full && !refused) return;
    made.forEach(free);
    // A buffer without memory is refused wherever it is used, so that errors of both kinds come together.
    if (full)
      throw new WebGpuError(
        "out-of-memory",
        `the GPU has no memory left for ${what}, which takes ${needed} bytes beside the ${held} in use; ${SMALLER}`,
        needed,
      );
    throw new WebGpuError("refused", `WebGPU refused ${what}: ${refused!.message}`);
  }

  const freeAll = () => [...buffers].forEach(free);

  return {
    largestBinding: Math.min(maxBufferSize, maxStorageBufferBindingSize, largest_binding),
    checkRoom,
    together(what, make) {
      const own: GPUBuffer[] = [];
      fresh = own;
      device.pushErrorScope("validation");
      device.pushErrorScope("out-of-memory");
      let made: ReturnType<typeof make>;
      try {
        made = make();
      } catch (error) {
        check(what, own).catch(() => undefined);
        own.forEach(free);
        throw error;
      }
      const checked = check(what, own);
      // Whoever uses the buffers waits for this; nobody has to.
      checked.catch(() => undefined);
      return { made, checked };
    },
    allocate(what, bytes, purpose = "storage") {
      const size = allocatedBytes(bytes);
      if (size > maxBufferSize)
        throw new WebGpuError(
          "limit",
          `${what} takes ${size} bytes, and a buffer of the adapter holds at most ${maxBufferSize}; ${SMALLER}`,
          size,
        );
      checkRoom(what, { [purpose]: size });
      const buffer = device.createBuffer({ label: what, size, usage: USAGES[purpose] });
      buffers.add(buffer);
      fresh.push(buffer);
      held += size;
      return buffer;
    },
    free,
    freeAll,
    get lost() {
      return lost;
    },
    lose() {
      lost = true;
      freeAll();
    },
    held: () => ({ bytes: held, tensors: buffers.size }),
  };
}

/** Copies host bytes to the start of a buffer, or to `offset`; lengths that are no multiple of 4 are padded. */
export function writeBytes(device: GPUDevice, buffer: GPUBuffer, data: ArrayBufferView, offset = 0): void {
  const { byteLength, byteOffset } = data;
  const whole = byteLength - (byteLength % 4);
  if (whole > 0) device.queue.writeBuffer(buffer, offset, data.buffer as ArrayBuffer, byteOffset, whole);
  if (whole === byteLength) return;
  const rest = new Uint8Array(4);
  rest.set(new Uint8Array(data.buffer, byteOffset + whole, byteLength - whole));
  device.queue.writeBuffer(buffer, offset + whole, rest);
}
