/**
 * Chat templates, rendered as Jinja2 in Python does with the settings of transformers: an immutable sandbox,
 * `trim_blocks`, `lstrip_blocks`, `break` and `continue`, `{% generation %}`.
 */

import { FusewireError } from "@fusewire/ir";
import { createBudget } from "./budget.ts";
import { GLOBALS } from "./globals.ts";
import type { Statement } from "./nodes.ts";
import { parseTemplate } from "./parser.ts";
import { textOfBody } from "./render.ts";
import { createScope } from "./scope.ts";
import { fromHost, TemplateFailure } from "./values.ts";

/** What stands around the text of a `{% generation %}` block in a rendered chat. */
export interface GenerationMarks {
  readonly start: string;
  readonly end: string;
}

/** A chat template, ready to use. */
export interface CompiledTemplate {
  readonly source: string;
  /** Text that the template itself writes. */
  readonly literals: readonly string[];
  readonly hasGeneration: boolean;
  /** The text for these variables, which are plain data. */
  render(variables: Readonly<Record<string, unknown>>, marks: GenerationMarks): string;
}

/** Compiles a Jinja template. Throws a FusewireError that names the construct and its line where it cannot. */
export function compileTemplate(template: string): CompiledTemplate {
  const source = template.replace(/\r\n?/g, "\n");
  const program = orExplain("cannot be read", () => parseTemplate(source));
  return {
    source,
    literals: literalsOf(program),
    hasGeneration: find(program, (node) => node.kind === "generation").length > 0,
    render: (variables, marks) =>
      orExplain("failed", () => {
        const globals = createScope(undefined, GLOBALS);
        const scope = createScope(
          globals,
          Object.entries(variables).map(([name, value]) => [name, fromHost(value)] as const),
        );
        return textOfBody(program, scope, { budget: createBudget(), marks });
      }),
  };
}

function orExplain<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    if (!(cause instanceof TemplateFailure)) throw cause;
    throw new FusewireError(
      `the chat template ${what} (${cause.message}); check the messages, tools and documents, or pass another chat_template`,
      { cause },
    );
  }
}

type AnyNode = Readonly<Record<string, unknown>>;

/** All nodes of a kind in a syntax tree. */
function find(tree: unknown, isMeant: (node: AnyNode) => boolean): AnyNode[] {
  if (Array.isArray(tree)) return tree.flatMap((one) => find(one, isMeant));
  if (typeof tree !== "object" || tree === null) return [];
  const node = tree as AnyNode;
  const inside = Object.values(node).flatMap((one) => find(one, isMeant));
  return isMeant(node) ? [node, ...inside] : inside;
}

/** The texts between tags, and those in expressions. */
const literalsOf = (program: readonly Statement[]): string[] =>
  find(program, ({ kind }) => kind === "data" || kind === "constant").flatMap(({ text, value }) =>
    [text, value].filter((one) => typeof one === "string"),
  );
