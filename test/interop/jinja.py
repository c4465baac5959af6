"""Random chat templates with what transformers makes of them, as JSON lines: jinja.py COUNT SEED."""

import json
import random
import sys

from transformers.utils.chat_template_utils import render_jinja_template

count, seed = int(sys.argv[1]), int(sys.argv[2])
rng = random.Random(seed)
pick = rng.choice

MESSAGES = [
    {"role": "system", "content": "  Be kind.\n"},
    {"role": "user", "content": "Hi 'there' & \"you\" <b>é👋</b>", "n": 3, "x": 0.5, "tags": ["b", "a", "B"], "ok": True},
    {"role": "assistant", "content": "a-b-a", "tool_calls": [{"function": {"name": "f", "arguments": {"z": 1, "a": None}}}]},
]
TOOLS = [{"type": "function", "function": {"name": "g", "parameters": {"required": ["n"], "type": "object"}}}]

TEXTS = ["'a'", "'Ab c'", "''", "' x\\n'", "'1'", "'aXbXc'", "'ß é👋'", "\"it's\"", "'1.50'"]
NUMBERS = ["0", "1", "-2", "7", "1.5", "2.0", "-0.25", "1e-7", "10 ** 17", "True", "1e16"]
NAMES = ["m.role", "m.content", "m", "messages", "messages[1]", "nope", "m.nope", "tools", "m.tags", "m.tool_calls", "none",
         "m.n", "m.x", "loop.index", "loop.last", "messages[1].tags", "messages[2].tool_calls[0].function", "bos_token"]
BINARY = ["+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", "<=", ">", "in", "not in", "and", "or"]
METHODS = ["upper()", "lower()", "strip()", "title()", "capitalize()", "split()", "split('X')", "split('-', 1)", "rsplit('X', 1)",
           "splitlines()", "replace('a', 'b')", "replace('', '.', 2)", "startswith('a')", "endswith(('c', 'x'))", "find('X')",
           "count('a')", "lstrip('a ')", "rstrip('\\n')", "zfill(4)", "center(7)", "ljust(4, '.')", "isdigit()", "isalpha()",
           "partition('X')", "join(['a', 'b'])", "format(1, 'x')", "items()", "keys()", "get('role')", "get('nope', 4)", "index('a')",
           "swapcase()", "removeprefix('a')", "casefold()", "istitle()", "isspace()", "append(1)", "nope()"]
FILTERS = ["upper", "lower", "title", "capitalize", "trim", "length", "count", "first", "last", "reverse", "list", "string", "int",
           "int(5)", "float", "round", "round(1)", "abs", "sort", "sort(reverse=true)", "unique", "join", "join(', ')", "join('-', attribute='role')",
           "map('upper')", "map(attribute='role')", "select", "reject", "selectattr('role', 'equalto', 'user')", "rejectattr('n')",
           "tojson", "tojson(indent=2)", "tojson(ensure_ascii=true)", "default('d')", "default('d', true)", "replace('a', 'b')", "sum",
           "max", "min", "dictsort", "items", "groupby('role')", "batch(2)", "slice(2)", "indent", "indent(2, true)", "wordcount",
           "truncate(5)", "center(6)", "e", "safe", "striptags", "urlencode", "attr('get')", "format('x')", "map('length')", "sum(attribute='n')"]
TESTS = ["defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "mapping", "sequence", "iterable", "true",
         "false", "even", "odd", "divisibleby 2", "in ['a', 1]", "equalto 1", "lower", "upper", "callable", "sameas none", "gt 1"]
SLICES = ["[0]", "[-1]", "[1:]", "[:-1]", "[::-1]", "[::2]", "['role']", "['nope']", "[5]", "[1:2]", "[none:1]"]


def expression(depth):
    if depth <= 0 or rng.random() < 0.15:
        return pick(pick([TEXTS, NUMBERS, NAMES]))
    inner = lambda: expression(depth - 1)
    return pick([
        lambda: f"{inner()} {pick(BINARY)} {inner()}",
        lambda: f"({inner()}).{pick(METHODS)}",
        lambda: f"({inner()})|{pick(FILTERS)}",
        lambda: f"({inner()})|{pick(FILTERS)}|{pick(FILTERS)}",
        lambda: f"({inner()}){pick(SLICES)}",
        lambda: f"({inner()}) is {pick(['', 'not '])}{pick(TESTS)}",
        lambda: f"[{inner()}, {inner()}]",
        lambda: f"({inner()},)",
        lambda: f"{{{pick(TEXTS)}: {inner()}, 'k': {inner()}}}",
        lambda: f"{inner()} if {inner()} else {inner()}",
        lambda: f"not {inner()}",
        lambda: f"-({inner()})",
        lambda: f"range({pick(['3', '1, 4', '5, 0, -2', 'messages|length'])})",
        lambda: f"({inner()} ~ {inner()})",
        lambda: f"namespace(a={inner()}).a",
        lambda: f"dict(a={inner()})",
    ])()


def tag(text):
    """A tag with white space and signs around it."""
    return f"{pick(['', ' ', chr(10), '  ', 'x'])}{{%{pick(['', '', '-', '+'])} {text} {pick(['', '', '-', '+'])}%}}{pick(['', chr(10), ' ', chr(10) * 2])}"


def body(depth):
    if depth <= 0 or rng.random() < 0.3:
        return pick([f"{{{{ {expression(2)} }}}}", f"{{{{- {expression(1)} -}}}} ", pick(["text", " \n", "{", "%}", "#", "a\n"])])
    inner = lambda: "".join(body(depth - 1) for _ in range(rng.randint(1, 2)))
    return pick([
        lambda: tag(f"if {expression(1)}") + inner() + pick(["", tag("else") + inner(), tag(f"elif {expression(1)}") + inner()]) + tag("endif"),
        lambda: tag(f"for i in {expression(1)}{pick(['', ' if i', ' if i is string'])}") + "{{ i }}" + inner() + pick(["", tag("else") + "none"]) + tag("endfor"),
        lambda: tag("for k, v in messages[1].items()") + "{{ k }}" + pick(["", tag("break"), tag("continue")]) + inner() + tag("endfor"),
        lambda: tag(f"set v = {expression(2)}") + "{{ v }}",
        lambda: tag(f"set v{pick(['', ' | upper', ' | trim'])}") + inner() + tag("endset") + "[{{ v }}]",
        lambda: tag("macro f(a, b=2)") + "{{ a }}{{ b }}" + inner() + tag("endmacro") + f"{{{{ f({expression(1)}) }}}}",
        lambda: tag("macro g(a)") + "<{{ caller(a) }}>" + tag("endmacro") + tag("call(y) g(3)") + "{{ y }}" + inner() + tag("endcall"),
        lambda: tag(f"filter {pick(['upper', 'trim', 'length', 'indent(2)'])}") + inner() + tag("endfilter"),
        lambda: tag(f"with w = {expression(1)}, q = w") + "{{ w }}{{ q }}" + inner() + tag("endwith"),
        lambda: tag("generation") + inner() + tag("endgeneration"),
        lambda: tag("raw") + "{{ a }} {% x %}" + tag("endraw"),
        lambda: "{# c #}" + pick(["", "\n"]) + inner(),
        lambda: tag("set s = namespace(n=0)") + tag("for i in range(3)") + tag("set s.n = s.n + i") + tag("endfor") + "{{ s.n }}",
    ])()


for _ in range(count):
    parts = "".join(body(2) for _ in range(rng.randint(1, 3)))
    template = pick([
        lambda: f"{{{{ {expression(3)} }}}}",
        lambda: f"{{% for m in messages %}}{{{{ {expression(2)} }}}};{{% endfor %}}",
        lambda: parts,
        lambda: f"{{% for m in messages %}}{parts}{{% endfor %}}",
    ])()
    case = {"template": template, "messages": MESSAGES, "tools": TOOLS}
    try:
        [case["text"]], _ = render_jinja_template([MESSAGES], tools=TOOLS, chat_template=template, bos_token="<s>")
    except Exception as error:
        case["error"] = f"{type(error).__name__}: {error}"
    print(json.dumps(case))
