import type { Launch, Step } from "./launch.ts";
import {
  bindResult,
  createShader,
  elementsOf,
  elementType,
  GROUP_NUMBER,
  gridOf,
  type Shader,
} from "./shader.ts";
import { bitsExpression, perWord } from "./storage.ts";

const WORKGROUP = 64;

/**
 * A launch that computes each element of the result by itself. `body` writes the body of a function of the flat index
 * `i`. A thread makes one whole word of the result, however many elements share it.
 */
export function mapLaunch({ write }: Step, body: (shader: Shader) => string): Launch {
  const shader = createShader();
  const text = body(shader);
  bindResult(shader, write);
  shader.declare(`fn element(i: u32) -> ${elementType(write)} {\n${text}\n}`);
  const lanes = perWord(write.dtype);
  const elements = elementsOf(write);
  const words = Math.ceil(elements / lanes);
  const count = shader.size(lanes === 1 ? words : elements);
  const whole = `  if (word >= ${count}) { return; }\n  y[word] = element(word);`;
  const packed = () => `  var bits = 0u;
  for (var k = 0u; k < ${lanes}u; k++) {
    let i = word * ${lanes}u + k;
    if (i < ${count}) { bits |= ${bitsExpression(write.dtype, "element(i)")} << (k * ${32 / lanes}u); }
  }
  if (word * ${lanes}u < ${count}) { y[word] = bits; }`;
  return shader.launch({
    workgroup: WORKGROUP,
    groups: gridOf(Math.ceil(words / WORKGROUP)),
    body: `  let word = ${GROUP_NUMBER} * ${WORKGROUP}u + lane;\n${lanes === 1 ? whole : packed()}`,
  });
}
