import { memoryTable } from "../memory/page.ts";
import { cellsOf, printable, shorten } from "../text/cells.ts";
import { formatCount } from "../text/progress.ts";
import { formatBytes, plural } from "../text/units.ts";
import { wrap } from "../text/wrap.ts";
import type { ModelFacts, Refusal, TokenizerFacts, WeightFacts } from "./facts.ts";

/** Lines of a template that tell which kind it is. */
const TEMPLATE_LINES = 3;
/** Special tokens that are named; large models have hundreds in reserve. */
const OTHER_TOKENS = 6;
const LABEL = 16;

/** The facts as a page of `width` columns. */
export function toPage(facts: ModelFacts, width: number): string {
  const lines = [
    ...row("model", facts.location, width),
    ...supportRows(facts, width),
    ...configRows(facts, width),
    ...section(facts.weights, "weights", width, weightRows),
    ...memoryRows(facts, width),
    ...section(facts.tokenizer, "tokenizer", width, tokenizerRows),
    ...section(facts.generation, "generation", width, (defaults) =>
      row("generation", jsonFacts(defaults), width),
    ),
  ];
  return `${lines.join("\n")}\n`;
}

/** A label and its value, which goes on under itself. Files of strangers are shown as text and nothing else. */
function row(label: string, value: string, width: number): string[] {
  const [first = "", ...more] = wrap(printable(value).replaceAll("\t", " "), width - LABEL).split("\n");
  return [label.padEnd(LABEL) + first, ...more.map((line) => " ".repeat(LABEL) + line)];
}

function section<T extends object>(
  facts: T | Refusal,
  label: string,
  width: number,
  rows: (facts: T, width: number) => string[],
): string[] {
  return "refused" in facts ? row(label, facts.refused, width) : rows(facts, width);
}

const supportRows = ({ support }: ModelFacts, width: number): string[] =>
  row("runs here", support.supported ? "yes" : `no: ${support.refused}`, width);

function configRows({ config }: ModelFacts, width: number): string[] {
  const { architecture, layers, heads, key_value_heads: keyHeads, rope, ...sizes } = config;
  const numbers = Object.entries({ layers, ...sizes }).filter(([, value]) => value !== undefined);
  const shared = keyHeads === undefined || keyHeads === heads ? "" : `, ${keyHeads} of keys and values`;
  return [
    ...row("architecture", architecture, width),
    ...numbers.flatMap(([name, value]) => row(name, value!.toLocaleString("en-US"), width)),
    ...(heads === undefined ? [] : row("heads", `${heads}${shared}`, width)),
    ...(rope === undefined ? [] : row("positions as", rope, width)),
  ];
}

function weightRows({ parameters, bytes, tensors, dtypes }: WeightFacts, width: number): string[] {
  const kinds = Object.entries(dtypes);
  const single = kinds.length === 1 && kinds[0]![0] !== "other";
  return [
    ...row("parameters", formatCount(parameters), width),
    ...row(
      "weights",
      `${formatBytes(bytes)} in ${plural(tensors, "tensor")}${single ? `, ${kinds[0]![0]}` : ""}`,
      width,
    ),
    ...(single
      ? []
      : kinds.flatMap(([dtype, of]) =>
          row(
            `  ${dtype}`,
            dtype === "other"
              ? plural(of.tensors, "tensor")
              : `${formatBytes(of.bytes)} in ${plural(of.tensors, "tensor")}`,
            width,
          ),
        )),
  ];
}

function memoryRows({ memory }: ModelFacts, width: number): string[] {
  if (!memory) return [];
  const floats =
    memory.weights === memory.weights_float32 ? "" : `, ${formatBytes(memory.weights_float32)} as float32`;
  return [
    ...row("memory", "", width).map((line) => line.trimEnd()),
    ...row("  weights", `${formatBytes(memory.weights)}${floats}`, width),
    ...(memory.positions > 1000
      ? row("  1000 tokens", formatBytes(memory.cache_per_1000_tokens), width)
      : []),
    ...row(`  ${memory.positions} tokens`, formatBytes(memory.cache_full), width),
    ...fitRows(memory, width),
  ];
}

function fitRows({ fits }: NonNullable<ModelFacts["memory"]>, width: number): string[] {
  const [first] = fits;
  return first ? ["", `in use, with ${first.capacity} tokens`, ...memoryTable(fits, width), ""] : [];
}

function tokenizerRows({ tokens, special, other, chat_template }: TokenizerFacts, width: number): string[] {
  const rest = other.length > OTHER_TOKENS ? ` and ${other.length - OTHER_TOKENS} more` : "";
  return [
    ...row("tokens", tokens.toLocaleString("en-US"), width),
    ...Object.entries(special).flatMap(([role, { token, id }]) =>
      row(`  ${role}`, `${token}  ${id ?? "no id"}`, width),
    ),
    ...(other.length === 0 ? [] : row("  others", `${other.slice(0, OTHER_TOKENS).join(" ")}${rest}`, width)),
    ...templateRows(chat_template, width),
  ];
}

function templateRows(template: TokenizerFacts["chat_template"], width: number): string[] {
  if (template === null || template === undefined) return row("chat template", "none: a base model", width);
  const named = typeof template === "string" ? { default: template } : template;
  return Object.entries(named).flatMap(([name, text]) => {
    const lines = printable(text).trim().split("\n");
    const shown = lines
      .slice(0, TEMPLATE_LINES)
      .map((line) => `  ${shorten(line.replaceAll("\t", " "), width - 2)}`);
    const more =
      lines.length > TEMPLATE_LINES ? `  … ${plural(lines.length - TEMPLATE_LINES, "more line")}` : "";
    const label =
      name === "default" ? "chat template" : `chat template ${shorten(printable(name), width - 14)}`;
    return [label, ...shown, ...(more === "" || cellsOf(more) > width ? [] : [more])];
  });
}

const jsonFacts = (values: object): string => {
  const facts = Object.entries(values).map(([key, value]) => `${key} ${JSON.stringify(value)}`);
  return facts.length === 0 ? "no defaults" : facts.join(", ");
};
