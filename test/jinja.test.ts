import { embeddedModel } from "@fusewire/models/node";
import { AutoTokenizer } from "fusewire";
import { describe, expect, test } from "vitest";
import { goldenPath } from "./support/goldens.ts";
import { readGolden } from "./support/read.ts";

interface Case {
  readonly template: string;
  readonly text?: string;
  readonly error?: string;
}

const { messages, groups } = readGolden<{
  readonly messages: { readonly role: string }[];
  readonly groups: Readonly<Record<string, readonly Case[]>>;
}>(goldenPath("jinja.json"));
const tokenizer = await AutoTokenizer.from_pretrained(embeddedModel("tales"));
const render = (chat_template: string): string =>
  tokenizer.apply_chat_template(messages, { chat_template, tokenize: false });

describe.each(Object.entries(groups))("chat templates, %s", (_, cases) => {
  test.each(cases)("$template", ({ template, text }) => {
    if (text === undefined)
      expect(() => render(template)).toThrow(/^the chat template (failed|cannot be read) \(/);
    else expect(render(template)).toBe(text);
  });
});

describe("a template cannot", () => {
  test.each([
    [
      "run for ever",
      "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
      "steps",
    ],
    ["call itself for ever", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "levels of calls"],
    ["fill the memory", "{{ 'x' * 10 ** 9 }}", "characters"],
    ["fill the memory with lists", "{{ [0] * 10 ** 9 }}", "characters"],
    [
      "fill the memory bit by bit",
      "{% set n = namespace(s='xxxxxxxx') %}{% for i in range(60) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
      "characters",
    ],
    ["fill the memory with digits", "{{ 9 ** (10 ** 9) }}", "characters"],
    [
      "fill the memory with padding",
      "{{ 'x'.center(10 ** 9) }}{{ '{:>999999999}'.format(1) }}",
      "characters",
    ],
  ])("%s", (_, template, what) => {
    expect(() => render(template)).toThrow(new RegExp(`was stopped: it takes more than \\d+ ${what}`));
  });

  test.each(["constructor", "__proto__", "prototype", "toString", "hasOwnProperty", "valueOf"])(
    "reach the host through %s",
    (name) => {
      for (const value of ["''", "[]", "{}", "messages[0]", "1", "range", "namespace()", "loop"])
        for (const path of [`(${value})['${name}']`, `(${value}).${name}`, `(${value})|attr('${name}')`]) {
          const template = `{% for m in messages %}{{ (${path}) is defined }}{% endfor %}`;
          const outcome = (() => {
            try {
              return render(template);
            } catch (error) {
              return String(error);
            }
          })();
          expect(outcome).toMatch(/^(False)+$|is unsafe|is undefined/);
        }
    },
  );
});

test("an error names the line", () => {
  expect(() => render("a\n{% if true %}\n{{ nope.x }}\n{% endif %}")).toThrow("'nope' is undefined, line 3");
  expect(() => render("a\n\n{% nope %}")).toThrow("Encountered unknown tag 'nope', line 3");
});
