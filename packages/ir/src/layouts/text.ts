import { FusewireError } from "../errors.ts";
import { type CodeRange, checkLayout, type Layout, type Packing } from "./layout.ts";

const RANGES: Readonly<Record<string, CodeRange>> = { i: "signed", s: "symmetric", u: "unsigned" };
const PACKINGS: readonly Packing[] = ["bytes", "low", "high"];
const ZEROS: readonly Layout["zeros"][] = ["none", "integer", "float"];

const numberText = (x: number): string => (Object.is(x, -0) ? "-0" : String(x));

/** The text form, such as `i4 group=32` or `u5 low group=8 zeros=float permuted codebook=…`: what is usual is left out. */
export function formatLayout(layout: Layout): string {
  const { bits, packing, range, codebook, group, zeros, permuted } = layout;
  const letter = Object.keys(RANGES).find((key) => RANGES[key] === range);
  return [
    `${letter}${bits}`,
    ...(packing === "bytes" ? [] : [packing]),
    `group=${group}`,
    ...(zeros === "none" ? [] : [`zeros=${zeros}`]),
    ...(permuted ? ["permuted"] : []),
    ...(codebook ? [`codebook=${codebook.map(numberText).join(",")}`] : []),
  ].join(" ");
}

/** Reads what `formatLayout` writes. */
export function parseLayout(text: string): Layout {
  const bad = (what: string): FusewireError =>
    new FusewireError(`'${text}' is not a layout such as "i4 group=32": ${what}`);
  const [codes = "", ...words] = text.split(" ");
  const match = /^([isu])(\d+)$/.exec(codes);
  if (!match) throw bad(`'${codes}' does not say what codes are`);
  const flags = new Set(words.filter((word) => !word.includes("=")));
  const values = new Map(
    words.filter((word) => word.includes("=")).map((word) => word.split("=", 2) as [string, string]),
  );
  if (flags.size + values.size !== words.length) throw bad("it says something twice");
  const packing = PACKINGS.find((name) => flags.delete(name)) ?? "bytes";
  const permuted = flags.delete("permuted");
  const take = (key: string): string | undefined => {
    const value = values.get(key);
    values.delete(key);
    return value;
  };
  const zeros = take("zeros") ?? "none";
  const named = ZEROS.find((name) => name === zeros);
  if (!named) throw bad(`zeros are ${ZEROS.join(", ")}`);
  const codebook = take("codebook")?.split(",").map(Number);
  const layout: Layout = {
    bits: Number(match[2]),
    packing,
    range: RANGES[match[1]!]!,
    ...(codebook && { codebook }),
    group: Number(take("group")),
    zeros: named,
    permuted,
  };
  const [unknown] = [...flags, ...values.keys()];
  if (unknown !== undefined) throw bad(`unknown word '${unknown}'`);
  checkLayout(layout);
  return layout;
}
