/** How many neighbouring lanes exchange values, seen by trying: drivers are wrong about it, and no rule orders lanes. */
import { MAP_READ, USAGE } from "./flags.ts";

export interface Subgroups {
  /** The smallest subgroup that the driver speaks of; 1 where it has none. */
  readonly claimed: number;
  /** Neighbours by number that were seen to exchange values, a power of two; 1 is none, and kernels then do without. */
  readonly width: number;
}

export const NO_SUBGROUPS: Subgroups = { claimed: 1, width: 1 };

/** What kernels exchange values with: the neighbours at these distances, of no more than 32 lanes. */
const MASKS = [1, 2, 4, 8, 16] as const;
/** Workgroups of kernels; a driver may cut each size into subgroups of its own. */
const LANES = [32, 64, 128] as const;
/** Workgroups of each size that are tried. */
const GROUPS = 4;

/** Every lane tells by a bit a mask whether it got the word of the lane that it asked. */
const probe = (lanes: number): string => `enable subgroups;
@group(0) @binding(0) var<storage, read_write> seen: array<u32>;
fn word(i: u32) -> u32 { return (i + 1u) * 2654435761u; }
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = group.x * ${lanes}u + lane;
  var right = 0u;
${MASKS.map((mask, k) => `  right |= select(0u, ${1 << k}u, subgroupShuffleXor(word(i), ${mask}u) == word(i ^ ${mask}u));`).join("\n")}
  seen[i] = right;
}`;

/** Tries shuffles on a device with the feature `subgroups`; what the driver does not compile is not used. */
export async function probeSubgroups(
  device: GPUDevice,
  claimed: number,
  arrive: <T>(work: Promise<T>) => Promise<T>,
): Promise<Subgroups> {
  const most = device.limits.maxComputeInvocationsPerWorkgroup;
  const sizes = LANES.filter((lanes) => lanes <= most);
  device.pushErrorScope("validation");
  const found = Promise.all(sizes.map((lanes) => rightMasks(device, lanes, arrive))).catch(() => [0]);
  const refused = device.popErrorScope();
  const right = (await found).reduce((all, bits) => all & bits, 2 ** MASKS.length - 1);
  let width = 1;
  for (const [k, mask] of MASKS.entries()) {
    if ((right & (1 << k)) === 0 || 2 * mask > claimed) break;
    width = 2 * mask;
  }
  return { claimed, width: (await refused) ? 1 : width };
}

/** The masks that every lane of workgroups of this size got right, as bits. */
async function rightMasks(
  device: GPUDevice,
  lanes: number,
  arrive: <T>(work: Promise<T>) => Promise<T>,
): Promise<number> {
  const size = GROUPS * lanes * 4;
  const module = device.createShaderModule({ code: probe(lanes) });
  const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module } });
  const seen = device.createBuffer({ size, usage: USAGE.STORAGE | USAGE.COPY_SRC });
  const staging = device.createBuffer({ size, usage: USAGE.MAP_READ | USAGE.COPY_DST });
  try {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    const layout = pipeline.getBindGroupLayout(0);
    pass.setBindGroup(
      0,
      device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer: seen } }] }),
    );
    pass.dispatchWorkgroups(GROUPS);
    pass.end();
    encoder.copyBufferToBuffer(seen, 0, staging, 0, size);
    device.queue.submit([encoder.finish()]);
    await arrive(staging.mapAsync(MAP_READ));
    return new Uint32Array(staging.getMappedRange()).reduce((all, bits) => all & bits, ~0);
  } finally {
    seen.destroy();
    staging.destroy();
  }
}
