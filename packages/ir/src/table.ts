import { FusewireError } from "./errors.ts";
import { formatLayout, type Layout } from "./layouts/index.ts";
import type { AttrValue, Node, OpName, Table } from "./node.ts";
import { formatType, type TensorType } from "./type.ts";

/**
 * Interns the nodes of one compilation: traces and every pass over them. It holds nothing but nodes; what else is known
 * of them belongs to the modules that they are in.
 */
export class NodeTable implements Table {
  readonly #nodes = new Map<string, Node>();
  #scope: string[] = [];
  #layers: Map<Node, string | undefined> | undefined;
  #nextId = 0;

  get size(): number {
    return this.#nodes.size;
  }

  intern(op: OpName, inputs: readonly Node[], attrs: object, type: () => TensorType): Node {
    for (const input of inputs)
      if (input.table !== this) throw new Error(`${op}: an input was built in another table`);
    const key = `${op}(${inputs.map((input) => input.id).join(",")})${formatAttrs(attrs)}`;
    const found = this.#nodes.get(key);
    if (found) return this.#noted(found);
    let inferred: TensorType;
    try {
      inferred = type();
      if (!inferred.shape.every((size) => Number.isSafeInteger(size) && size > 0))
        throw new FusewireError(`sizes must be whole numbers above 0, not [${inferred.shape}]`);
    } catch (error) {
      if (!(error instanceof FusewireError)) throw error;
      const types = inputs.map((input) => formatType(input.type)).join(", ");
      const layer = this.#layer();
      const where = layer === undefined ? "" : `${layer}: `;
      throw new FusewireError(`${where}${op}(${types}): ${error.message}`);
    }
    const node = Object.freeze({
      id: this.#nextId++,
      op,
      inputs: Object.freeze([...inputs]),
      attrs: frozenAttrs(attrs),
      type: Object.freeze({ dtype: inferred.dtype, shape: Object.freeze([...inferred.shape]) }),
      table: this,
    }) as Node;
    this.#nodes.set(key, node);
    return this.#noted(node);
  }

  /** Runs `body` with `name` appended to the layer name that new nodes and errors carry. */
  scope<T>(name: string, body: () => T): T {
    this.#scope.push(name);
    try {
      return body();
    } finally {
      this.#scope.pop();
    }
  }

  /**
   * Runs `body` outside all scopes, and notes for each node that it asks for the layer in which it first did so; nodes
   * that are in `layers` already keep theirs.
   */
  noteLayers<T>(layers: Map<Node, string | undefined>, body: () => T): T {
    const [scope, outer] = [this.#scope, this.#layers];
    this.#scope = [];
    this.#layers = layers;
    try {
      return body();
    } finally {
      this.#scope = scope;
      this.#layers = outer;
    }
  }

  #noted(node: Node): Node {
    if (this.#layers && !this.#layers.has(node)) this.#layers.set(node, this.#layer());
    return node;
  }

  #layer(): string | undefined {
    return this.#scope.length > 0 ? this.#scope.join(".") : undefined;
  }
}

/** A copy that nobody can change: a node whose attributes changed would no longer be what its key says. */
const frozenAttrs = (attrs: object): object =>
  Object.freeze(
    Object.fromEntries(
      Object.entries(attrs).map(([key, value]) => [
        key,
        Array.isArray(value)
          ? Object.freeze([...value])
          : typeof value === "object"
            ? Object.freeze({ ...value })
            : value,
      ]),
    ),
  );

/** The canonical text of attributes, which is also how they are printed: `{axis=-1, keep=true}`, keys sorted. */
export function formatAttrs(attrs: object): string {
  const entries = Object.entries(attrs as Record<string, AttrValue>);
  if (entries.length === 0) return "";
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return ` {${entries.map(([key, value]) => `${key}=${formatAttr(value)}`).join(", ")}}`;
}

function formatAttr(value: AttrValue): string {
  if (Array.isArray(value)) return `[${value.map(formatAttr).join(",")}]`;
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "object") return JSON.stringify(formatLayout(value as Layout));
  if (Object.is(value, -0)) return "-0";
  return String(value);
}
