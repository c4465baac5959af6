/** For tests alone: workgroup memory of kernels, counted in their code. */

const BYTES: Readonly<Record<string, number>> = { f32: 4, u32: 4, i32: 4, vec2i: 8, vec4f: 16 };
const VARIABLE = /var<workgroup> \w+: (?:(\w+)|array<(\w+), (\d+)>);/g;

/** Bytes of the variables in workgroup memory, each in multiples of 16 as WebGPU counts them. */
export function workgroupBytes(code: string): number {
  const variables = [...code.matchAll(VARIABLE)];
  if (variables.length !== code.split("var<workgroup>").length - 1)
    throw new Error(`not all variables are counted: ${code}`);
  return variables.reduce((sum, [, type, element, length = "1"]) => {
    const size = BYTES[type ?? element!];
    if (!size) throw new Error(`nobody knows how large ${type ?? element} is`);
    return sum + Math.ceil((size * Number(length)) / 16) * 16;
  }, 0);
}
