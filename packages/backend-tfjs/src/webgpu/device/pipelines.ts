import type { Launch } from "../wgsl/launch.ts";
import { STAGE_COMPUTE } from "./flags.ts";

export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** Compute pipelines of one device, by their code: none is built twice. */
export interface Pipelines {
  get(launch: Launch): Promise<Pipeline>;
  /** How many were built so far. */
  readonly built: number;
}

export function createPipelines(device: GPUDevice): Pipelines {
  const pipelines = new Map<string, Promise<Pipeline>>();
  const layouts = new Map<string, GPUBindGroupLayout>();

  function layoutOf({ bindings, sizes }: Launch): GPUBindGroupLayout {
    const key = `${bindings.map(({ access }) => access)} ${sizes.length > 0}`;
    const known = layouts.get(key);
    if (known) return known;
    const types: GPUBufferBindingType[] = [
      ...bindings.map(
        ({ access }): GPUBufferBindingType => (access === "read" ? "read-only-storage" : "storage"),
      ),
      ...(sizes.length > 0 ? ["uniform" as const] : []),
    ];
    const layout = device.createBindGroupLayout({
      entries: types.map((type, binding) => ({ binding, visibility: STAGE_COMPUTE, buffer: { type } })),
    });
    layouts.set(key, layout);
    return layout;
  }

  async function build(launch: Launch): Promise<Pipeline> {
    const layout = layoutOf(launch);
    const module = device.createShaderModule({ code: launch.code });
    const pipeline = await device
      .createComputePipelineAsync({
        layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: "main" },
      })
      .catch((error: unknown) => {
        throw new Error(`WebGPU refused a kernel: ${String(error)}\n${launch.code}`);
      });
    return { pipeline, layout };
  }

  return {
    get(launch) {
      const known = pipelines.get(launch.code);
      if (known) return known;
      const started = build(launch);
      pipelines.set(launch.code, started);
      started.catch(() => pipelines.delete(launch.code));
      return started;
    },
    get built() {
      return pipelines.size;
    },
  };
}
