import type { Budget } from "./budget.ts";
import { DICT_METHODS, LIST_METHODS, type Methods, TEXT_METHODS } from "./methods/index.ts";
import { indexIn, missingItem, sliceBounds, sliceIndices, undefinedError } from "./operators.ts";
import {
  Attributes,
  Callable,
  codePoints,
  Dict,
  firstGiven,
  isList,
  Namespace,
  Range,
  TemplateFailure,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

/** What `{{ value[start:stop:step] }}` is given; null where nothing stands. */
export class Slice {
  readonly bounds: readonly [Value, Value, Value];
  constructor(bounds: readonly [Value, Value, Value]) {
    this.bounds = bounds;
  }
}

/** `value.name`: an attribute, or else the item of that name. */
export function attributeOf(value: Value, name: string, budget: Budget): Value {
  if (value instanceof Undefined) throw undefinedError(value);
  return firstGiven(ownAttribute(value, name, budget), itemAt(value, name), missingItem(value, name))!;
}

/** `value[key]`: an item, or else the attribute of that name. */
export function itemOf(value: Value, key: Value | Slice, budget: Budget): Value {
  if (value instanceof Undefined) throw undefinedError(value);
  if (key instanceof Slice) return sliceOf(value, key);
  const item = itemAt(value, key);
  if (item !== undefined) return item;
  return firstGiven(
    typeof key === "string" ? ownAttribute(value, key, budget) : undefined,
    missingItem(value, key),
  )!;
}

/** An attribute alone, as the filter `attr` looks for it. */
export function ownAttribute(value: Value, name: string, budget: Budget): Value | undefined {
  if (name.startsWith("_"))
    throw new TemplateFailure(`SecurityError: access to attribute '${name}' is unsafe`);
  if (value instanceof Namespace) return value.attributes.get(name);
  if (value instanceof Attributes) return value.get(name);
  const methods = methodsOf(value);
  if (!methods || !Object.hasOwn(methods, name)) return undefined;
  const method = methods[name]!;
  if (typeof method === "string") throw new TemplateFailure(method);
  return new Callable(name, (given) => method(value as never, given, budget));
}

function methodsOf(value: Value): Methods<never> | undefined {
  if (typeof value === "string") return TEXT_METHODS;
  if (isList(value) || value instanceof Tuple) return LIST_METHODS;
  return value instanceof Dict ? DICT_METHODS : undefined;
}

function itemAt(value: Value, key: Value): Value | undefined {
  if (value instanceof Dict) return value.get(key);
  const index = typeof key === "boolean" ? BigInt(key) : key;
  if (typeof index !== "bigint") return undefined;
  if (value instanceof Range) {
    const at = indexIn(value.length, index);
    return at === undefined ? undefined : value.at(at);
  }
  const items = sequenceOf(value);
  const at = items && indexIn(items.length, index);
  return at === undefined ? undefined : items![at];
}

/** What can be indexed; a dict's views cannot. */
function sequenceOf(value: Value): readonly Value[] | undefined {
  if (typeof value === "string") return codePoints(value);
  if (isList(value)) return value;
  return value instanceof Tuple ? value.items : undefined;
}

function sliceOf(value: Value, { bounds }: Slice): Value {
  if (value instanceof Range) {
    const [from, to, stride] = sliceBounds(value.length, bounds).map(BigInt) as [bigint, bigint, bigint];
    const { start, step } = value;
    return new Range(start + from * step, start + to * step, stride * step);
  }
  const items = sequenceOf(value);
  if (!items) throw new TemplateFailure(`TypeError: '${typeName(value)}' object cannot be sliced`);
  const taken = sliceIndices(items.length, bounds).map((i) => items[i]!);
  if (typeof value === "string") return taken.join("");
  return value instanceof Tuple ? new Tuple(taken) : taken;
}
