import type { Layout } from "./layouts/index.ts";
import type { TensorType } from "./type.ts";

/** Each op file adds its own entry: `declare module "../node.ts" { interface OpAttrs { … } }`. */
// biome-ignore lint/suspicious/noEmptyInterface: op files merge their attributes into it.
export interface OpAttrs {}

export type OpName = keyof OpAttrs;

export type AttrValue = number | boolean | string | readonly number[] | readonly string[] | Layout;

/**
 * One operation of the graph. Nodes are immutable and interned by their table: two nodes of one table
 * that are equal are the same object, so `===` is equality and maps may key on nodes.
 */
export interface NodeOf<K extends OpName> {
  readonly id: number;
  readonly op: K;
  readonly inputs: readonly Node[];
  readonly attrs: OpAttrs[K];
  readonly type: TensorType;
  readonly table: Table;
}

export type Node = { [K in OpName]: NodeOf<K> }[OpName];

/** What op functions need of the table that interns nodes; see `NodeTable`. */
export interface Table {
  intern(op: OpName, inputs: readonly Node[], attrs: object, type: () => TensorType): Node;
  scope<T>(name: string, body: () => T): T;
}
