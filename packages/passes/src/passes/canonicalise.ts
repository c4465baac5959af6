import {
  isFloat,
  isNode,
  matmul,
  type Node,
  reshape,
  sameShape,
  sameType,
  slice,
  transpose,
  uniformValue,
  withInputs,
} from "@fusewire/ir";
import { any, number, op } from "../rewrite/pattern.ts";
import { type Rule, rewritePass, rule } from "../rewrite/rules.ts";

/** Only where x already has the result's type: the constant must not have broadcast x to a larger shape. */
const identity = (x: Node, root: Node): Node | undefined => (sameType(x.type, root.type) ? x : undefined);

/**
 * Whether the zero added or taken away leaves x = -0 as it is, which 1 / x and rsqrt tell from +0: x + -0 and x - +0 do,
 * while -0 + +0 is +0. Integers have one zero.
 */
const keepsZero = (root: Node, zero: number): boolean =>
  !isFloat(root.type.dtype) || root.inputs.some((node) => Object.is(uniformValue(node), zero));

const ARITHMETIC: readonly Rule[] = [
  // x + 0 => x; x - 0 => x; x * 1 => x; x / 1 => x
  rule("add-zero", op("add", [any("x"), number(0)]), ({ x }, root) =>
    keepsZero(root, -0) ? identity(x!, root) : undefined,
  ),
  rule("sub-zero", op("sub", [any("x"), number(0)]), ({ x }, root) =>
    keepsZero(root, 0) ? identity(x!, root) : undefined,
  ),
  rule("mul-one", op("mul", [any("x"), number(1)]), ({ x }, root) => identity(x!, root)),
  rule("div-one", op("div", [any("x"), number(1)]), ({ x }, root) => identity(x!, root)),
  // --x => x; not not x => x
  rule("neg-neg", op("neg", [op("neg", [any("x")])]), ({ x }) => x),
  rule("not-not", op("not", [op("not", [any("x")])]), ({ x }) => x),
];

const MOVEMENT: readonly Rule[] = [
  // reshape(reshape(x)) => reshape(x)
  rule("reshape-reshape", op("reshape", [op("reshape", [any("x")])]), ({ x }, root) =>
    reshape(x!, root.type.shape),
  ),
  // transpose(transpose(x, p), q) => transpose(x, p∘q)
  rule(
    "transpose-transpose",
    op("transpose", [op("transpose", [any("x")], { as: "inner" })]),
    ({ x, inner }, root) =>
      isNode(inner!, "transpose") && isNode(root, "transpose")
        ? transpose(
            x!,
            root.attrs.perm.map((p) => inner.attrs.perm[p]!),
          )
        : undefined,
  ),
  // A transpose that moves only axes of size 1 moves no element: a view (every decode step has T = 1).
  rule("transpose-view", op("transpose", [any("x")]), ({ x }, root) => {
    if (!isNode(root, "transpose")) return undefined;
    const moved = root.attrs.perm.filter((p) => x!.type.shape[p] !== 1);
    return moved.every((p, k) => k === 0 || p > moved[k - 1]!) ? reshape(x!, root.type.shape) : undefined;
  }),
  // slice(slice(x, a), b) => slice(x, a + b)
  rule("slice-slice", op("slice", [op("slice", [any("x")], { as: "inner" })]), ({ x, inner }, root) =>
    isNode(inner!, "slice") && isNode(root, "slice")
      ? slice(
          x!,
          root.attrs.starts.map((s, k) => s + inner.attrs.starts[k]!),
          root.attrs.sizes,
        )
      : undefined,
  ),
  // matmul(a, bᵀ) => matmul with the other orientation of b
  rule(
    "matmul-transpose",
    op("matmul", [any("a"), op("transpose", [any("b")], { as: "t" })]),
    ({ a, b, t }, root) => {
      if (!isNode(root, "matmul") || !isNode(t!, "transpose")) return undefined;
      const rank = b!.type.shape.length;
      const swap = [...Array(rank - 2).keys(), rank - 1, rank - 2];
      return sameShape(t.attrs.perm, swap)
        ? matmul(a!, b!, { transposeB: !root.attrs.transposeB })
        : undefined;
    },
  ),
];

const BROADCASTING = ["add", "sub", "mul", "div", "max", "min", "eq", "lt", "le", "and", "or"] as const;

/** op(broadcast_to(x), y) => op(x, y) where y alone already gives the result its shape: these ops broadcast. */
const BROADCASTS: readonly Rule[] = BROADCASTING.flatMap((name) =>
  [0, 1].map((side) => {
    const expanded = op("broadcast_to", [any("x")]);
    return rule(
      `${name}-broadcast`,
      op(name, side === 0 ? [expanded, any("y")] : [any("y"), expanded]),
      ({ x, y }, root) => {
        if (!sameShape(y!.type.shape, root.type.shape)) return undefined;
        const first = root.inputs[0] === y;
        return withInputs(root, first ? [y!, x!] : [x!, y!]);
      },
    );
  }),
);

/** Rules that make equal things look equal, so that later patterns need one form each. Holds for every engine. */
export const canonicalise = rewritePass("canonicalise", [...ARITHMETIC, ...MOVEMENT, ...BROADCASTS]);
