import { FusewireError } from "./errors.ts";
import type { Entry, Module, StateDecl } from "./module.ts";
import type { AttrValue, Node, OpName } from "./node.ts";
import { type AttrKind, emit, type OpDef } from "./op.ts";
import { OPS } from "./ops/table.ts";
import { NodeTable } from "./table.ts";
import { formatType, parseType, sameType, type TensorType } from "./type.ts";

const STRING = String.raw`"(?:[^"\\]|\\.)*"`;
const STATE = new RegExp(`^state (${STRING}) : (\\S+)$`);
const ENTRY = new RegExp(`^entry (${STRING}) \\{$`);
const INPUT = new RegExp(`^input (${STRING}) : (\\S+)$`);
const RESULT = new RegExp(`^(return|write|keep) (${STRING}) = %(\\d+)$`);
const NODE = new RegExp(`^%(\\d+) = (\\w+)((?: %\\d+)*)(?: \\{(.*)\\})? : (\\S+)(?: @(${STRING}))?$`);

/**
 * Reads the text form that `printModule` writes. Into the table the module was printed from, every node comes
 * back as the same object. Errors name the line.
 */
export function parseModule(text: string, table: NodeTable = new NodeTable()): Module {
  const states: StateDecl[] = [];
  const entries: Entry[] = [];
  let prepare = new Map<string, Node>();
  let block: Block | undefined;
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "") continue;
    try {
      if (!block) {
        const declared = STATE.exec(line);
        const opened = ENTRY.exec(line);
        if (declared) states.push({ name: JSON.parse(declared[1]!), type: parseType(declared[2]!) });
        else if (opened) block = openBlock(JSON.parse(opened[1]!));
        else if (line === "prepare {") block = openBlock(undefined);
        else throw new FusewireError("expected a state, an entry or prepare");
      } else if (line === "}") {
        if (block.name === undefined) prepare = block.keep;
        else
          entries.push({
            name: block.name,
            inputs: block.inputs,
            outputs: block.return,
            writes: block.write,
          });
        block = undefined;
      } else parseStatement(line, block, table);
    } catch (error) {
      if (error instanceof FusewireError || error instanceof SyntaxError)
        throw new FusewireError(`line ${index + 1}: ${error.message}: ${line}`);
      throw error;
    }
  }
  if (block) throw new FusewireError("the text ends inside a block; a closing '}' is missing");
  return { table, states, prepare, entries };
}

interface Block {
  readonly name: string | undefined;
  readonly inputs: { name: string; type: TensorType }[];
  readonly nodes: Map<string, Node>;
  readonly return: Map<string, Node>;
  readonly write: Map<string, Node>;
  readonly keep: Map<string, Node>;
}

const openBlock = (name: string | undefined): Block => ({
  name,
  inputs: [],
  nodes: new Map(),
  return: new Map(),
  write: new Map(),
  keep: new Map(),
});

function parseStatement(line: string, block: Block, table: NodeTable): void {
  const lookup = (id: string): Node => {
    const node = block.nodes.get(id);
    if (!node) throw new FusewireError(`%${id} is not defined before this line`);
    return node;
  };
  const declared = INPUT.exec(line);
  if (declared) {
    block.inputs.push({ name: JSON.parse(declared[1]!), type: parseType(declared[2]!) });
    return;
  }
  const result = RESULT.exec(line);
  if (result) {
    const [, kind, name, id] = result as unknown as [string, "return" | "write" | "keep", string, string];
    block[kind].set(JSON.parse(name), lookup(id));
    return;
  }
  const match = NODE.exec(line);
  if (!match) throw new FusewireError("not a statement of the text form");
  const [, id, op, inputs, attrs, type, layer] = match;
  if (!(op! in OPS)) throw new FusewireError(`unknown op '${op}'`);
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
  block.nodes.set(id!, node);
}

/** Reads `axis=-1, names=["a","b"]`, checked against the op's attribute kinds. */
function parseAttrs(text: string, kinds: Readonly<Record<string, AttrKind>>): Record<string, AttrValue> {
  const attrs: Record<string, AttrValue> = {};
  const pattern = new RegExp(`(\\w+)=(\\[(?:${STRING}|[^\\]"])*\\]|${STRING}|[^,\\s]+)(?:, )?`, "y");
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (!match) throw new FusewireError(`cannot read the attributes {${text}}`);
    const [, key, value] = match as unknown as [string, string, string];
    const kind = kinds[key];
    if (!kind) throw new FusewireError(`unknown attribute '${key}'`);
    attrs[key] = parseAttr(key, value, kind);
  }
  for (const key of Object.keys(kinds))
    if (!(key in attrs)) throw new FusewireError(`the attribute '${key}' is missing`);
  return attrs;
}

function parseAttr(key: string, text: string, kind: AttrKind): AttrValue {
  const number = (item: string): number => {
    const value = Number(item);
    if (item === "" || (Number.isNaN(value) && item !== "NaN"))
      throw new FusewireError(`attribute '${key}': '${item}' is not a number`);
    return value;
  };
  switch (kind) {
    case "int":
    case "float":
      return number(text);
    case "bool":
      if (text !== "true" && text !== "false")
        throw new FusewireError(`attribute '${key}' must be true or false`);
      return text === "true";
    case "string":
      return JSON.parse(text) as string;
    case "strings":
      return JSON.parse(text) as string[];
    case "ints":
    case "floats":
      return text === "[]" ? [] : text.slice(1, -1).split(",").map(number);
  }
}
