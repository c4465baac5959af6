/**
 * What templates compute with: Python's types, as far as chat templates meet them. Integers are `bigint`, floats are
 * `number`, texts count in code points, and nothing of the host is ever a value.
 */
export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | readonly Value[]
  | Tuple
  | Dict
  | Undefined
  | Callable
  | Namespace
  | Attributes
  | Range
  | DictView
  | Once
  | Escaped;

/** A name or attribute that is not there. It prints as nothing, and computing with it is an error that names it. */
export class Undefined {
  readonly what: string;
  constructor(what: string) {
    this.what = what;
  }
}

export class Tuple {
  readonly items: readonly Value[];
  constructor(items: readonly Value[]) {
    this.items = items;
  }
}

/** A dict keeps the order in which keys came; keys that Python takes for equal, such as 1, 1.0 and true, are one. */
export class Dict {
  readonly #entries = new Map<string, readonly [key: Value, value: Value]>();

  static of(entries: Iterable<readonly [Value, Value]>): Dict {
    const dict = new Dict();
    for (const [key, value] of entries) dict.set(key, value);
    return dict;
  }
  get size(): number {
    return this.#entries.size;
  }
  get(key: Value): Value | undefined {
    return this.#entries.get(hashOf(key))?.[1];
  }
  has(key: Value): boolean {
    return this.#entries.has(hashOf(key));
  }
  set(key: Value, value: Value): void {
    const hash = hashOf(key);
    this.#entries.set(hash, [firstGiven(this.#entries.get(hash)?.[0], key)!, value]);
  }
  keys(): Value[] {
    return [...this.#entries.values()].map(([key]) => key);
  }
  values(): Value[] {
    return [...this.#entries.values()].map(([, value]) => value);
  }
  entries(): (readonly [Value, Value])[] {
    return [...this.#entries.values()];
  }
}

/** Equal for keys that are equal. */
export function hashOf(key: Value): string {
  if (typeof key === "string") return `s${key}`;
  if (typeof key === "bigint") return `n${key}`;
  if (typeof key === "boolean") return `n${key ? 1 : 0}`;
  if (typeof key === "number") return Number.isInteger(key) ? `n${BigInt(key)}` : `f${key}`;
  if (key === null) return "none";
  if (key instanceof Tuple) return `t${JSON.stringify(key.items.map(hashOf))}`;
  if (key instanceof Undefined) return "undefined";
  throw new TemplateFailure(`TypeError: unhashable type: '${typeName(key)}'`);
}

export interface Arguments {
  readonly positional: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
}

/** A function of the template's world: a macro, a method, a global. */
export class Callable {
  readonly name: string;
  readonly call: (given: Arguments) => Value;
  constructor(name: string, call: (given: Arguments) => Value) {
    this.name = name;
    this.call = call;
  }
}

/** `namespace(…)`: the one object whose attributes a template may set. */
export class Namespace {
  readonly attributes: Dict;
  constructor(attributes: Dict) {
    this.attributes = attributes;
  }
}

/** An object of the engine's own, such as `loop`, with attributes that are computed when they are asked for. */
export class Attributes {
  readonly name: string;
  readonly get: (attribute: string) => Value | undefined;
  readonly call: ((given: Arguments) => Value) | undefined;
  constructor(
    name: string,
    get: (attribute: string) => Value | undefined,
    call?: (given: Arguments) => Value,
  ) {
    this.name = name;
    this.get = get;
    this.call = call;
  }
}

export class Range {
  readonly start: bigint;
  readonly stop: bigint;
  readonly step: bigint;
  constructor(start: bigint, stop: bigint, step: bigint) {
    this.start = start;
    this.stop = stop;
    this.step = step;
  }
  get length(): number {
    const span = this.step > 0n ? this.stop - this.start : this.start - this.stop;
    const stride = this.step > 0n ? this.step : -this.step;
    return span <= 0n ? 0 : Number((span + stride - 1n) / stride);
  }
  at(index: number): bigint {
    return this.start + BigInt(index) * this.step;
  }
}

/** What `keys()`, `values()` and `items()` give. */
export class DictView {
  readonly kind: "dict_keys" | "dict_values" | "dict_items";
  readonly items: readonly Value[];
  constructor(kind: DictView["kind"], items: readonly Value[]) {
    this.kind = kind;
    this.items = items;
  }
}

/** A generator: its items can be taken once. */
export class Once {
  #items: Value[];
  constructor(items: Iterable<Value>) {
    this.#items = [...items];
  }
  take(): Value | undefined {
    return this.#items.shift();
  }
  takeAll(): Value[] {
    const items = this.#items;
    this.#items = [];
    return items;
  }
}

/** What the filters `escape` and `safe` give. Python escapes what it is joined with, so it may only be printed here. */
export class Escaped {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** A fault in a template, in the words of Python's exception. */
export class TemplateFailure extends Error {}

/** The name of a value's type in Python. */
export function typeName(value: Value): string {
  if (value === null) return "NoneType";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "bigint") return "int";
  if (typeof value === "number") return "float";
  if (typeof value === "string") return "str";
  if (value instanceof Tuple) return "tuple";
  if (value instanceof Dict) return "dict";
  if (value instanceof Undefined) return "Undefined";
  if (value instanceof Callable) return "function";
  if (value instanceof Namespace) return "Namespace";
  if (value instanceof Attributes) return value.name;
  if (value instanceof Range) return "range";
  if (value instanceof DictView) return value.kind;
  if (value instanceof Once) return "generator";
  if (value instanceof Escaped) return "Markup";
  return "list";
}

/** An integer or float; booleans count as 0 and 1. Undefined for other values. */
export const numeric = (value: Value): bigint | number | undefined =>
  typeof value === "boolean"
    ? BigInt(value)
    : typeof value === "bigint" || typeof value === "number"
      ? value
      : undefined;

/** The first of these that is there. None, the value `null`, is there. */
export const firstGiven = (...values: readonly (Value | undefined)[]): Value | undefined =>
  values.find((value) => value !== undefined);

export const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

/** Code points, which Python counts, slices and reverses texts by. */
export const codePoints = (text: string): string[] => Array.from(text);

/** Plain data of JavaScript. Whole numbers are integers, as JSON of Python would have them. */
export function fromHost(value: unknown): Value {
  switch (typeof value) {
    case "string":
    case "boolean":
    case "bigint":
      return value;
    case "number":
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? BigInt(value) : value;
    case "object":
      if (value === null) return null;
      if (Array.isArray(value)) return value.map(fromHost);
      return Dict.of(Object.entries(value).map(([key, one]) => [key, fromHost(one)] as const));
    default:
      throw new TypeError(`a template takes no ${typeof value}`);
  }
}
