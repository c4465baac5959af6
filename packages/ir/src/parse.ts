import { FusewireError } from "./errors.ts";
import { parseLayout } from "./layouts/index.ts";
import { type Entry, type Module, type StateDecl, withLayers } from "./module.ts";
import type { AttrValue, Node, OpName } from "./node.ts";
import { type AttrKind, emit, type OpDef } from "./op.ts";
import { OPS } from "./ops/table.ts";
import { NodeTable } from "./table.ts";
import { formatType, parseType, sameType, type TensorType } from "./type.ts";

const STRING = String.raw`"(?:[^"\\]|\\.)*"`;
/** What stands between braces; a brace inside a string does not end it. */
const ATTRS = `[^"{}]*(?:${STRING}[^"{}]*)*`;
const STATE = new RegExp(`^state (${STRING}) : (\\S+)$`);
const ENTRY = new RegExp(`^entry (${STRING}) \\{$`);
const INPUT = new RegExp(`^input (${STRING}) : (\\S+)$`);
const RESULT = new RegExp(`^(return|write|keep) (${STRING}) = %(\\d+)$`);
const NODE = new RegExp(`^%(\\d+) = (\\w+)((?: %\\d+)*)(?: \\{(${ATTRS})\\})? : (\\S+)(?: @(${STRING}))?$`);

/**
 * Reads the text form that `printModule` writes. Into the table the module was printed from, every node comes
 * back as the same object. Errors name the line.
 */
export function parseModule(text: string, table: NodeTable = new NodeTable()): Module {
  const states = new Map<string, StateDecl>();
  const entries = new Map<string, Entry>();
  let prepare: ReadonlyMap<string, Node> | undefined;
  let block: Block | undefined;
  const parseLine = (line: string): void => {
    if (block && line === "}") {
      if (block.name === undefined) prepare = block.keep;
      else entries.set(block.name, entryOf(block, block.name));
      block = undefined;
    } else if (block) parseStatement(line, block, table);
    else {
      const declared = STATE.exec(line);
      const opened = ENTRY.exec(line);
      if (declared) {
        const name = JSON.parse(declared[1]!) as string;
        setOnce(states, "state", name, { name, type: parseType(declared[2]!) });
      } else if (opened) {
        const name = JSON.parse(opened[1]!) as string;
        if (entries.has(name)) throw new FusewireError(`there are two entries '${name}'`);
        block = openBlock(name);
      } else if (line === "prepare {") {
        if (prepare) throw new FusewireError("there are two prepare blocks");
        block = openBlock(undefined);
      } else throw new FusewireError("expected a state, an entry or prepare");
    }
  };
  const lines = text.split("\n");
  const layers = new Map<Node, string | undefined>();
  for (const [index, raw] of lines.entries()) {
    const line = raw.trim();
    try {
      if (line !== "") table.noteLayers(layers, () => parseLine(line));
    } catch (error) {
      if (error instanceof FusewireError || error instanceof SyntaxError)
        throw new FusewireError(`line ${index + 1}: ${error.message}: ${line}`);
      throw error;
    }
  }
  if (block)
    throw new FusewireError(`line ${lines.length}: the text ends inside a block; a closing '}' is missing`);
  const parts = {
    states: [...states.values()],
    prepare: prepare ?? new Map(),
    entries: [...entries.values()],
  };
  return withLayers({ table, ...parts }, layers);
}

interface Block {
  readonly name: string | undefined;
  readonly inputs: Map<string, { name: string; type: TensorType }>;
  readonly nodes: Map<string, Node>;
  readonly return: Map<string, Node>;
  readonly write: Map<string, Node>;
  readonly keep: Map<string, Node>;
}

const openBlock = (name: string | undefined): Block => ({
  name,
  inputs: new Map(),
  nodes: new Map(),
  return: new Map(),
  write: new Map(),
  keep: new Map(),
});

const entryOf = (block: Block, name: string): Entry => ({
  name,
  inputs: [...block.inputs.values()],
  outputs: block.return,
  writes: block.write,
});

function setOnce<V>(map: Map<string, V>, what: string, key: string, value: V): void {
  if (map.has(key)) throw new FusewireError(`${what} '${key}' is there twice`);
  map.set(key, value);
}

function parseStatement(line: string, block: Block, table: NodeTable): void {
  const lookup = (id: string): Node => {
    const node = block.nodes.get(id);
    if (!node) throw new FusewireError(`%${id} is not defined before this line`);
    return node;
  };
  const belongs = (keyword: string, place: "prepare" | "entry"): void => {
    if ((block.name === undefined ? "prepare" : "entry") !== place)
      throw new FusewireError(`'${keyword}' does not belong here, but in a block of the kind ${place}`);
  };
  const declared = INPUT.exec(line);
  if (declared) {
    belongs("input", "entry");
    const name = JSON.parse(declared[1]!) as string;
    setOnce(block.inputs, "input", name, { name, type: parseType(declared[2]!) });
    return;
  }
  const result = RESULT.exec(line);
  if (result) {
    const [, kind, name, id] = result as unknown as [string, "return" | "write" | "keep", string, string];
    belongs(kind, kind === "keep" ? "prepare" : "entry");
    setOnce(block[kind], kind, JSON.parse(name), lookup(id));
    return;
  }
  const match = NODE.exec(line);
  if (!match) throw new FusewireError("not a statement of the text form");
  const [, id, op, inputs, attrs, type, layer] = match;
  if (!Object.hasOwn(OPS, op!)) throw new FusewireError(`unknown op '${op}'`);
  const def = OPS[op as OpName] as unknown as OpDef<"concat">;
  const build = () =>
    emit(
      def,
      (inputs!.match(/\d+/g) ?? []).map(lookup),
      parseAttrs(attrs ?? "", def.attrs) as unknown as { axis: number },
      table,
    );
  const node = layer === undefined ? build() : table.scope(JSON.parse(layer), build);
  if (!sameType(node.type, parseType(type!)))
    throw new FusewireError(`the type is ${formatType(node.type)}, not ${type}`);
  setOnce(block.nodes, "value", id!, node);
}

/** Reads `axis=-1, names=["a","b"]`. The op checks its attributes itself; here their kinds say how to read them. */
function parseAttrs(text: string, kinds: Readonly<Record<string, AttrKind>>): Record<string, AttrValue> {
  const attrs = new Map<string, AttrValue>();
  const pattern = new RegExp(`(\\w+)=(\\[[^\\]"]*(?:${STRING}[^\\]"]*)*\\]|${STRING}|[^,\\s]+)(, |$)`, "y");
  for (let more = text !== ""; more; ) {
    const match = pattern.exec(text);
    if (!match) throw new FusewireError(`cannot read the attributes {${text}}`);
    const [, key, value, separator] = match as unknown as [string, string, string, string];
    if (!Object.hasOwn(kinds, key)) throw new FusewireError(`unknown attribute '${key}'`);
    setOnce(attrs, "the attribute", key, parseAttr(key, value, kinds[key]!));
    more = separator === ", ";
  }
  return Object.fromEntries(attrs);
}

function parseAttr(key: string, text: string, kind: AttrKind): AttrValue {
  const number = (item: string): number => {
    const value = Number(item);
    if (item.trim() === "" || (Number.isNaN(value) && item !== "NaN"))
      throw new FusewireError(`the attribute '${key}': '${item}' is not a number`);
    return value;
  };
  switch (kind) {
    case "int":
    case "float":
      return number(text);
    case "bool":
    case "string":
    case "strings":
      return JSON.parse(text) as AttrValue;
    case "layout": {
      const layout: unknown = JSON.parse(text);
      if (typeof layout !== "string") throw new FusewireError(`the attribute '${key}' must be a layout`);
      return parseLayout(layout);
    }
    case "ints":
    case "floats":
      if (!text.startsWith("[")) throw new FusewireError(`the attribute '${key}' must be a list`);
      return text === "[]" ? [] : text.slice(1, -1).split(",").map(number);
  }
}
