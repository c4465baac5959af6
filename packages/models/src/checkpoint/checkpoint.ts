import { FusewireError, type TensorType, type Value } from "@fusewire/ir";
import {
  type ByteSource,
  hasNo,
  isInsideName,
  isJsonObject,
  kindOf,
  type ModelFiles,
  readJson,
} from "../files/index.ts";
import type { TensorEntry } from "./header.ts";
import {
  openSafetensors,
  readSafetensor,
  readTensorBytes,
  type SafetensorsFile,
  safetensorsType,
} from "./safetensors.ts";

/** The tensors of a model under their names in the checkpoint, read one at a time. */
export interface Checkpoint {
  /** What error messages call this place. */
  readonly location: string;
  names(): string[];
  /** The stored type, or undefined where there is no such tensor. A dtype that cannot be read is an error. */
  type(name: string): TensorType | undefined;
  /** The dtype as the file writes it and the shape, also where the values cannot be read. */
  entry(name: string): Pick<TensorEntry, "storedDtype" | "shape"> | undefined;
  /** Bytes of a tensor as the file has them, from an offset; fewer at its end, none behind it. */
  readBytes(name: string, offset: number, length: number): Promise<Uint8Array>;
  /**
   * One tensor as it is stored, or some rows of it; `castValue` of ir converts. May share memory with the source: do
   * not write to it.
   */
  read(name: string, rows?: { readonly from: number; readonly count: number }): Promise<Value>;
  close(): Promise<void>;
}

const SINGLE = "model.safetensors";
const INDEX = "model.safetensors.index.json";
const OTHER_FORMATS = ["pytorch_model.bin", "pytorch_model.bin.index.json", "consolidated.00.pth"];

/** Opens `model.safetensors`, or the shards that `model.safetensors.index.json` names, and checks all headers. */
export async function openCheckpoint(files: ModelFiles): Promise<Checkpoint> {
  const sources: ByteSource[] = [];
  const close = async () => {
    await Promise.all(sources.map((source) => source.close()));
  };
  const openFile = async (name: string, reason: string): Promise<SafetensorsFile> => {
    const source = await files.open(name);
    if (!source) throw new FusewireError(`${hasNo(files, name)}${reason}`);
    sources.push(source);
    return openSafetensors(source, name);
  };
  try {
    const single = await files.open(SINGLE);
    if (single) sources.push(single);
    const tensors = single
      ? ownTensors(await openSafetensors(single, SINGLE))
      : await shardTensors(await readWeightMap(files), openFile);
    const fileOf = (name: string): SafetensorsFile => {
      const file = tensors.get(name);
      if (file) return file;
      throw new FusewireError(
        `the checkpoint in ${files.location} has no tensor '${name}'; check that its weights belong to its config.json`,
      );
    };
    return {
      location: files.location,
      names: () => [...tensors.keys()],
      type(name) {
        const file = tensors.get(name);
        return file && safetensorsType(file, name);
      },
      entry: (name) => tensors.get(name)?.tensors.get(name),
      readBytes: (name, offset, length) => readTensorBytes(fileOf(name), name, offset, length),
      read: async (name, rows) => readSafetensor(fileOf(name), name, rows),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const ownTensors = (file: SafetensorsFile): Map<string, SafetensorsFile> =>
  new Map([...file.tensors.keys()].map((name) => [name, file]));

async function shardTensors(
  weightMap: ReadonlyMap<string, string>,
  openFile: (name: string, reason: string) => Promise<SafetensorsFile>,
): Promise<Map<string, SafetensorsFile>> {
  const shards = new Map<string, SafetensorsFile>();
  for (const [tensor, name] of weightMap) {
    if (!shards.has(name))
      shards.set(
        name,
        await openFile(
          name,
          `, which ${INDEX} names for tensor '${tensor}'; download all shards of the model`,
        ),
      );
  }
  // The shards count: indexes are known to list too much, too little, or another shard.
  const tensors = new Map<string, SafetensorsFile>();
  for (const shard of shards.values())
    for (const tensor of shard.tensors.keys()) if (!tensors.has(tensor)) tensors.set(tensor, shard);
  for (const [tensor, name] of weightMap) {
    const shard = shards.get(name);
    if (shard?.tensors.has(tensor)) tensors.set(tensor, shard);
  }
  return tensors;
}

/** Tensor name -> shard name, from the index. */
async function readWeightMap(files: ModelFiles): Promise<Map<string, string>> {
  const index = await readJson(files, INDEX);
  if (!index) throw await noWeights(files);
  const weightMap = index.weight_map;
  if (!isJsonObject(weightMap) || Object.keys(weightMap).length === 0)
    throw new FusewireError(
      `weight_map of ${INDEX} is ${weightMap === undefined ? "missing" : isJsonObject(weightMap) ? "empty" : kindOf(weightMap)}, expected an object from tensor names to files; download the index again`,
    );
  const map = new Map<string, string>();
  for (const [tensor, name] of Object.entries(weightMap)) {
    if (typeof name !== "string" || !isInsideName(name))
      throw new FusewireError(
        `${INDEX} puts tensor '${tensor}' into ${kindOf(name)}, expected a file inside the model directory, without '..'; download the index again`,
      );
    map.set(tensor, name);
  }
  return map;
}

async function noWeights(files: ModelFiles): Promise<FusewireError> {
  for (const other of OTHER_FORMATS) {
    const source = await files.open(other);
    if (!source) continue;
    await source.close();
    return new FusewireError(
      `${files.location} has its weights in ${other} only; convert them to safetensors (save_pretrained of transformers does) or download ${SINGLE}`,
    );
  }
  return new FusewireError(
    `${files.location} has neither ${SINGLE} nor ${INDEX}; download the weights into the same place`,
  );
}
