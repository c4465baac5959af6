import { formatAttrs, type Node, topological } from "@fusewire/ir";

/**
 * A short hash of an expression: of its ops, their attributes and how they are joined, regardless of the table and of
 * what else was built in it. Eight hexadecimal digits of FNV-1a (Fowler, Noll and Vo).
 */
export function fingerprint(root: Node): string {
  const prints = new Map<Node, string>();
  for (const node of topological([root])) {
    const inputs = node.inputs.map((input) => prints.get(input)!);
    prints.set(node, hashText(`${node.op}(${inputs.join(",")})${formatAttrs(node.attrs)}`));
  }
  return prints.get(root)!;
}

function hashText(text: string): string {
  let hash = 0x811c9dc5;
  for (let k = 0; k < text.length; k++) hash = Math.imul(hash ^ text.charCodeAt(k), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
