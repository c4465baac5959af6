import { cast, type DType, NodeTable, paramsOf, type TensorType } from "@fusewire/ir";
import {
  createModel,
  type ModelFiles,
  openCheckpoint,
  readConfig,
  storedWeights,
  type WeightNodes,
} from "@fusewire/models";
import { CACHE_DTYPES, type CacheDTypeName, choose, type WeightDType, weightFormat } from "../dtypes.ts";
import { traceEntry } from "../entries/index.ts";
import { type OpenModel, openCausalModel } from "../open_model.ts";
import { standardSelection } from "../selection.ts";

/** What decides how much memory a model takes. No weights. */
export interface MemorySource extends Pick<OpenModel, "model" | "cacheDType" | "quantize"> {
  /** The weights of the graph; a tied head is no second one. */
  readonly shapes: ReadonlyMap<string, TensorType>;
  /** The weights as they are read. */
  readonly stored: WeightNodes;
  /** The same with floats read in a dtype, or as they are stored. */
  readonly storedAs: (dtype: DType | undefined) => WeightNodes;
  /** The weights file was not there, so that shapes and dtypes are those that config.json says. */
  readonly fromConfig: boolean;
}

export interface MemorySourceOptions {
  readonly dtype?: WeightDType | undefined;
  readonly cache_dtype?: CacheDTypeName | undefined;
}

/** Reads config.json, and the headers of the weights where there are weights. */
export async function readMemorySource(
  files: ModelFiles,
  options: MemorySourceOptions = {},
): Promise<MemorySource> {
  if (!(await hasWeights(files))) return sourceOfConfig(files, options);
  const opened = await openCausalModel(files, options);
  await opened.checkpoint.close();
  return memorySource(opened);
}

/** What decides the memory of a model that is open; its checkpoint may be closed. */
export function memorySource({ model, checkpoint, stored, cacheDType, quantize }: OpenModel): MemorySource {
  return {
    ...{ model, stored, cacheDType, quantize, shapes: shapesOf(model), fromConfig: false },
    storedAs: (dtype) => storedWeights(checkpoint, model.keeping, { dtype }),
  };
}

/** The same model with its weights kept in another way. */
export function withDType(source: MemorySource, dtype: WeightDType): MemorySource {
  const { stored, quantize } = weightFormat(dtype);
  return { ...source, quantize, stored: source.storedAs(stored) };
}

const WEIGHTS = ["model.safetensors", "model.safetensors.index.json"];

/** Where there are weights, they are opened, so that a broken file is an error. */
async function hasWeights(files: ModelFiles): Promise<boolean> {
  for (const name of WEIGHTS) {
    const file = await files.open(name);
    await file?.close();
    if (!file) continue;
    await (await openCheckpoint(files)).close();
    return true;
  }
  return false;
}

async function sourceOfConfig(
  files: ModelFiles,
  { dtype = "auto", cache_dtype = "float32" }: MemorySourceOptions,
): Promise<MemorySource> {
  const { stored, quantize } = weightFormat(dtype);
  const config = await readConfig(files);
  const model = createModel(config);
  const storedAs = (asked: DType | undefined) => plainWeights(asked ?? config.storedDtype() ?? "f32");
  return {
    ...{ model, quantize, storedAs, stored: storedAs(stored), shapes: shapesOf(model), fromConfig: true },
    cacheDType: choose("cache_dtype", cache_dtype, CACHE_DTYPES),
  };
}

/** Weights of any name and shape, all in one dtype. */
const plainWeights = (dtype: DType): WeightNodes => ({
  node: (tracer, weight, shape) => cast(tracer.param(weight, { dtype, shape }), "f32"),
});

/** The weights that a step reads. */
function shapesOf(model: OpenModel["model"]): ReadonlyMap<string, TensorType> {
  const sizes = { batch: 1, rows: 1, capacity: 1 };
  const key = { kind: "decode", ...sizes, selection: standardSelection(false), eosCount: 1 } as const;
  const source = { model, stored: plainWeights("f32"), cacheDType: "f32", longestStep: 1 } as const;
  return paramsOf(traceEntry(key, source, new NodeTable()));
}
