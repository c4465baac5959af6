import { type Form, single } from "./form.ts";

/** A tensor of floats, as it is. */
export const plain: Form = {
  find(weight, _rest, { checkpoint, locate, dtype }) {
    const tensor = locate(weight);
    const type = tensor === undefined ? undefined : checkpoint.type(tensor);
    if (tensor === undefined || !type) return undefined;
    const part = {
      dtype: dtype ?? type.dtype,
      shape: type.shape,
      read: (rows?: { readonly from: number; readonly count: number }) => checkpoint.read(tensor, rows),
    };
    return single(weight, part, { form: formOf(weight, tensor), tensors: [tensor] });
  },
};

function formOf(weight: string, tensor: string): string {
  if (tensor === weight) return "plain";
  return tensor.endsWith("lm_head.weight") && !weight.endsWith("lm_head.weight")
    ? "as the head that it is tied to"
    : "under another prefix";
}
