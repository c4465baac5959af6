export { closestName, optionsInstead } from "./closest_name.ts";
export {
  allocate,
  bytesPerElement,
  DTYPES,
  type DType,
  fromBf16,
  fromF16,
  isDType,
  isFloat,
  type TypedArray,
  toBf16,
  toF16,
  view,
} from "./dtype.ts";
export { FusewireError } from "./errors.ts";
export { type Environment, entryNamed, evaluate, interpret, type StepResult } from "./interpret.ts";
export * from "./layouts/index.ts";
export {
  type Entry,
  isLeaf,
  type Module,
  paramsOf,
  rootsOf,
  rootsOfModule,
  type StateDecl,
  type Tracer,
  topological,
  trace,
  withLayers,
} from "./module.ts";
export type { AttrValue, Node, NodeOf, OpAttrs, OpName, Table } from "./node.ts";
export type { OpDef } from "./op.ts";
export * from "./ops/index.ts";
export { type AnyOpDef, defOf, isElementwise, isFree, isNode, OPS } from "./ops/table.ts";
export { parseModule } from "./parse.ts";
export { printModule } from "./print.ts";
export { rewriteNodes, withInputs } from "./rebuild.ts";
export { formatAttrs, NodeTable } from "./table.ts";
export {
  broadcastShapes,
  bytesOf,
  formatType,
  normalizeAxis,
  parseType,
  type Shape,
  sameShape,
  sameType,
  sizeOf,
  stridesOf,
  type TensorType,
  tensorType,
} from "./type.ts";
export { castValue, emptyValue, floats, numbersOf, toValue, type Value } from "./value.ts";
export { verify } from "./verify.ts";
