import type { DType } from "../dtype.ts";
import type { Tracer } from "../module.ts";
import type { Node } from "../node.ts";
import { tanh } from "../ops/index.ts";
import { broadcastShapes, type Shape, sizeOf, tensorType } from "../type.ts";

/** A value of a graph under construction, with what a later step must know of it. */
export interface Item {
  readonly node: Node;
  /** Computed without rounding: only such values may be compared or sorted, or the last bit would decide. */
  readonly exact: boolean;
  /** No element is larger in magnitude. */
  readonly bound: number;
}

/** Beyond this, rounding errors would grow from step to step. */
const LARGEST_BOUND = 16;
const MOST_ELEMENTS = 256;

/** One entry under construction: a pool of values that steps draw from and add to. */
export class Sketch {
  readonly tracer: Tracer;
  readonly pool: Item[] = [];
  readonly written = new Set<string>();
  #choices: readonly number[] = [];
  #next = 0;

  constructor(tracer: Tracer) {
    this.tracer = tracer;
  }

  /** Sets the numbers that the next choices are made by. */
  choicesFrom(choices: readonly number[]): void {
    this.#choices = choices;
    this.#next = 0;
  }

  /** A number from 0 to n-1. */
  choose(n: number): number {
    return (this.#choices[this.#next++ % this.#choices.length] ?? 0) % n;
  }

  oneOf<T>(options: readonly [T, ...T[]]): T {
    return options[this.choose(options.length)] ?? options[0];
  }

  /** A value of the pool; smaller choices prefer the latest, so that shrunk graphs are chains. */
  pick(fits: (item: Item) => boolean): Item | undefined {
    const fitting = this.pool.filter(fits);
    return fitting[fitting.length - 1 - this.choose(Math.max(1, fitting.length))];
  }

  floats(): Item | undefined {
    return this.pick(({ node }) => node.type.dtype === "f32");
  }

  /** Puts a value in the pool, squeezed into (-1, 1) when it may have grown large. */
  add(node: Node, { exact, bound }: Omit<Item, "node">): Item {
    const settled = bound > LARGEST_BOUND && node.type.dtype === "f32";
    const item = settled ? { node: tanh(node), exact: false, bound: 1 } : { node, exact, bound };
    if (sizeOf(item.node.type.shape) <= MOST_ELEMENTS) this.pool.push(item);
    return item;
  }

  /** Names carry the type, so that entries of one module agree on it. */
  param(shape: Shape, dtype: DType = "f32", hint = "w"): Node {
    return this.tracer.param(nameFor(hint, dtype, shape), tensorType(dtype, shape));
  }

  /** See `randomEnvironment` for what the hint says about the values. */
  input(shape: Shape, dtype: DType, hint: string): Node {
    return this.tracer.input(nameFor(hint, dtype, shape), tensorType(dtype, shape));
  }

  state(shape: Shape, dtype: DType, hint: string): { readonly name: string; readonly node: Node } {
    const name = nameFor(hint, dtype, shape);
    return { name, node: this.tracer.state(name, tensorType(dtype, shape)) };
  }

  write(name: string, value: Node): void {
    if (this.written.has(name)) return;
    this.written.add(name);
    this.tracer.write(name, value);
  }

  /** Another float value that broadcasts with this one: from the pool, or a weight. */
  partner(item: Item): Item {
    const { shape } = item.node.type;
    const fits = ({ node }: Item): boolean => {
      const joined = broadcastShapes(shape, node.type.shape);
      return node.type.dtype === "f32" && joined !== undefined && sizeOf(joined) <= MOST_ELEMENTS;
    };
    const found = this.choose(3) > 0 && this.pick(fits);
    if (found) return found;
    const suffix = shape.slice(this.choose(shape.length + 1));
    const narrow = this.choose(2) === 0 ? suffix : suffix.map((size, k) => (k === 0 ? 1 : size));
    return { node: this.param(narrow), exact: true, bound: 1.5 };
  }

  /** What no other value of the pool reads. */
  sinks(): Node[] {
    const used = new Set(this.pool.flatMap(({ node }) => node.inputs));
    return [...new Set(this.pool.map(({ node }) => node))].filter((node) => !used.has(node));
  }
}

const nameFor = (hint: string, dtype: DType, shape: Shape): string => `${hint} ${dtype}[${shape.join(",")}]`;
