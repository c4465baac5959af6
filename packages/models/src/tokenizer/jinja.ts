import { FusewireError } from "@fusewire/ir";
import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja";
import { strftime } from "./strftime.ts";

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
  render(variables: Readonly<Record<string, unknown>>, marks: GenerationMarks): string;
}

const [MACRO, START, END] = ["fusewire_generation", "fusewire_generation_start", "fusewire_generation_end"];
const GENERATION_TAG = /\{%(-?)\s*(end)?generation\s*(-?)%\}/g;

/** Compiles a Jinja template with Hugging Face's settings. */
export function compileTemplate(template: string): CompiledTemplate {
  const source = template.replace(/\r\n?/g, "\n");
  const program = orExplain("cannot be read", () =>
    parse(tokenize(withGenerationMarks(source), { lstrip_blocks: true, trim_blocks: true })),
  );
  return {
    source,
    literals: literalsOf(program),
    hasGeneration: source.search(GENERATION_TAG) >= 0,
    render(variables, marks) {
      const environment = new Environment();
      const all = { ...globals(), ...variables, [START]: marks.start, [END]: marks.end };
      for (const [name, value] of Object.entries(all)) environment.set(name, value);
      const result: { readonly value: unknown } = orExplain("failed", () =>
        new Interpreter(environment).run(program),
      );
      return String(result.value);
    },
  };
}

/**
 * The library drops `{% generation %}`, which leaves no trace of what is inside. Written as a call of a macro that
 * puts marks around its body, the block keeps its white space and its scope, as in Python.
 */
function withGenerationMarks(source: string): string {
  const marked = source.replace(
    GENERATION_TAG,
    (_, before: string, isEnd: string | undefined, after: string) =>
      `{%${before} ${isEnd ? "endcall" : `call ${MACRO}()`} ${after}%}`,
  );
  if (marked === source) return source;
  // The line break after the macro is trimmed; without it, the template's first line would not begin a line.
  return `{% macro ${MACRO}() %}{{ ${START} }}{{ caller() }}{{ ${END} }}{% endmacro %}\n${marked}`;
}

const LARGEST_RANGE = 100_000;

/** What a template finds beside its variables. The library's own strftime_now speaks the system's language. */
const globals = (): Record<string, unknown> => ({
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
  range(first: number, last?: number, step = 1) {
    const [from, to] = last === undefined ? [0, first] : [first, last];
    const count = Math.max(0, Math.ceil((to - from) / step));
    if (!(count <= LARGEST_RANGE)) throw new Error(`range of ${count} numbers`);
    return Array.from({ length: count }, (_, i) => from + i * step);
  },
  raise_exception(message: unknown) {
    throw new FusewireError(
      `the chat template refuses these messages: ${message}; change the messages, or pass another chat_template`,
    );
  },
  strftime_now: (format: unknown) => strftime(new Date(), String(format)),
});

function orExplain<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    if (cause instanceof FusewireError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FusewireError(
      `the chat template ${what} (${reason}); check the messages, tools and documents, or pass another chat_template`,
      { cause },
    );
  }
}

/** Texts in a syntax tree, whatever its nodes are. */
function literalsOf(node: unknown): string[] {
  if (typeof node !== "object" || node === null) return [];
  if (node instanceof Map) return [...node].flatMap(literalsOf);
  if ("type" in node && node.type === "StringLiteral" && "value" in node) return [String(node.value)];
  return Object.values(node).flatMap(literalsOf);
}
