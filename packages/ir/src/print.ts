import { type Entry, type Module, rootsOf, topological } from "./module.ts";
import type { Node } from "./node.ts";
import { formatAttrs } from "./table.ts";
import { formatType } from "./type.ts";

/**
 * The text form of a module. `parseModule` reads it back to the very same nodes:
 *
 *     state "lengths" : i32[1,1]
 *     entry "decode" {
 *       %0 = input {dtype="i32", name="rows", shape=[1]} : i32[1]
 *       %1 = add %0 %0 : i32[1] @"model.layers.0"
 *       return "token" = %1
 *       write "lengths" = %1
 *     }
 */
export function printModule(module: Module): string {
  const lines = module.states.map(({ name, type }) => `state ${JSON.stringify(name)} : ${formatType(type)}`);
  if (module.prepare.size > 0)
    lines.push("prepare {", ...printNodes(module, [...module.prepare.values()], module.prepare, "keep"), "}");
  for (const entry of module.entries) lines.push(...printEntry(module, entry));
  return `${lines.join("\n")}\n`;
}

function printEntry(module: Module, entry: Entry): string[] {
  const nodes = printNodes(module, rootsOf(entry), entry.outputs, "return");
  const numbers = numbering(rootsOf(entry));
  const writes = [...entry.writes].map(
    ([name, node]) => `  write ${JSON.stringify(name)} = %${numbers.get(node)}`,
  );
  return [`entry ${JSON.stringify(entry.name)} {`, ...inputLines(entry), ...nodes, ...writes, "}"];
}

/** Declared, so that the order of inputs and inputs that nothing reads survive. */
const inputLines = (entry: Entry): string[] =>
  entry.inputs.map(({ name, type }) => `  input ${JSON.stringify(name)} : ${formatType(type)}`);

const numbering = (roots: readonly Node[]): Map<Node, number> =>
  new Map(topological(roots).map((node, index) => [node, index]));

function printNodes(
  module: Module,
  roots: readonly Node[],
  named: ReadonlyMap<string, Node>,
  keyword: string,
): string[] {
  const numbers = numbering(roots);
  const lines = [...numbers.keys()].map((node) => {
    const inputs = node.inputs.map((input) => ` %${numbers.get(input)}`).join("");
    const layer = module.layers.get(node);
    const suffix = layer === undefined ? "" : ` @${JSON.stringify(layer)}`;
    return `  %${numbers.get(node)} = ${node.op}${inputs}${formatAttrs(node.attrs)} : ${formatType(node.type)}${suffix}`;
  });
  const results = [...named].map(
    ([name, node]) => `  ${keyword} ${JSON.stringify(name)} = %${numbers.get(node)}`,
  );
  return [...lines, ...results];
}
