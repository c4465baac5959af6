export interface JsonProblem {
  /** Index into the text. */
  readonly offset: number;
  readonly reason: string;
}

const LITERAL = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

type Want = "value" | "value or ]" | "key" | "key or }" | "':'" | "',' or end" | "nothing more";

/**
 * The first place where the text is not JSON, or repeats a key of one object. JSON.parse tells neither: its messages
 * differ by engine and often give no position, and it keeps the last of two equal keys. Costs several times a parse.
 * Keeps its own stack, so that deep nesting in a hostile file cannot overflow the call stack.
 */
export function findJsonProblem(text: string): JsonProblem | undefined {
  const stack: (Set<string> | undefined)[] = [];
  let want: Want = "value";
  let i = 0;
  const afterValue = (): Want => (stack.length === 0 ? "nothing more" : "',' or end");

  for (;;) {
    while (text[i] === " " || text[i] === "\n" || text[i] === "\r" || text[i] === "\t") i++;
    if (i >= text.length) {
      return want === "nothing more" ? undefined : { offset: i, reason: "the text ends too early" };
    }
    const char = text[i]!;
    const unexpected: JsonProblem = { offset: i, reason: `expected ${want}, found ${JSON.stringify(char)}` };
    const closes =
      (char === "}" && stack.at(-1) !== undefined) || (char === "]" && stack.at(-1) === undefined);

    if (want === "nothing more") return unexpected;
    if (want === "':'") {
      if (char !== ":") return unexpected;
      want = "value";
      i++;
    } else if (
      closes &&
      stack.length > 0 &&
      (want === "',' or end" || want === (char === "}" ? "key or }" : "value or ]"))
    ) {
      stack.pop();
      want = afterValue();
      i++;
    } else if (want === "',' or end") {
      if (char !== ",") return unexpected;
      want = stack.at(-1) ? "key" : "value";
      i++;
    } else if (char === '"') {
      const end = stringEnd(text, i);
      if (typeof end !== "number") return end;
      if (want === "key" || want === "key or }") {
        const key: unknown = JSON.parse(text.slice(i, end));
        const keys = stack.at(-1);
        if (keys && typeof key === "string") {
          if (keys.has(key)) return { offset: i, reason: `the key ${JSON.stringify(key)} occurs twice` };
          keys.add(key);
        }
        want = "':'";
      } else want = afterValue();
      i = end;
    } else if (want === "key" || want === "key or }") {
      return unexpected;
    } else if (char === "{" || char === "[") {
      stack.push(char === "{" ? new Set() : undefined);
      want = char === "{" ? "key or }" : "value or ]";
      i++;
    } else {
      LITERAL.lastIndex = i;
      if (!LITERAL.test(text)) return unexpected;
      want = afterValue();
      i = LITERAL.lastIndex;
    }
  }
}

function stringEnd(text: string, start: number): number | JsonProblem {
  let i = start + 1;
  while (i < text.length && text[i] !== '"') {
    ESCAPE.lastIndex = i;
    const wrong = text[i] === "\\" ? !ESCAPE.test(text) : text[i]! < " ";
    if (wrong) return { offset: i, reason: `${JSON.stringify(text[i])} cannot stand in a string like this` };
    i = text[i] === "\\" ? ESCAPE.lastIndex : i + 1;
  }
  return i < text.length ? i + 1 : { offset: start, reason: "this string does not end" };
}
