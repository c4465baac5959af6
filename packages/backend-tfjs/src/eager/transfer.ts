import { castValue, type DType, type TensorType, toValue, type Value } from "@fusewire/ir";
import * as tf from "@tensorflow/tfjs-core";

/** f16 and bf16 are held in tfjs widened to f32, which is exact, so movement keeps their bits. */
const TFJS_DTYPE: Record<DType, "float32" | "int32" | "bool" | undefined> = {
  f32: "float32",
  f16: "float32",
  bf16: "float32",
  i32: "int32",
  u32: undefined,
  i8: "int32",
  u8: "int32",
  bool: "bool",
};

/** Copies a value into tfjs. The cpu backend keeps the array itself, which is why values are never changed. */
export function upload(value: Value): tf.Tensor {
  const { dtype, shape } = value.type;
  const target = TFJS_DTYPE[dtype];
  if (!target) throw new Error(`${dtype} has no place in tfjs`);
  const data =
    target === "float32"
      ? castValue(value, "f32").data
      : target === "int32"
        ? Int32Array.from(value.data)
        : value.data;
  // Kept, or a scope that a caller has open would end the tensor's life.
  return tf.keep(tf.tensor(data as Float32Array, [...shape], target));
}

/** Reads a tensor back as a value of the type. The cpu backend gives out its own array. */
export async function download(tensor: tf.Tensor, type: TensorType): Promise<Value> {
  return fromTfjs(await tensor.data(), type);
}

export function fromTfjs(data: Float32Array | Int32Array | Uint8Array, type: TensorType): Value {
  switch (type.dtype) {
    case "f32":
      return { type, data: data instanceof Float32Array ? data : Float32Array.from(data) };
    case "i32":
      return { type, data: data instanceof Int32Array ? data : Int32Array.from(data) };
    case "bool":
      return { type, data: data instanceof Uint8Array ? data : Uint8Array.from(data) };
    default:
      return toValue(type, data);
  }
}

/** Bytes of a tensor in tfjs. */
export const tensorBytes = (tensor: tf.Tensor): number => tensor.size * (tensor.dtype === "bool" ? 1 : 4);

/** A copy that shares no memory with what it was made from. */
export const copyValue = (value: Value): Value => ({ type: value.type, data: value.data.slice() });
