"""Chat templates and what transformers makes of them: python make_jinja.py > jinja.json"""

import json

from transformers.utils.chat_template_utils import render_jinja_template

MESSAGES = [
    {"role": "system", "content": " Be kind.\n"},
    {"role": "user", "content": "It's \"é👋\"", "n": 3, "tags": ["b", "a", "B"]},
    {"role": "assistant", "content": "a-b", "calls": [{"name": "f", "arguments": {"z": 1.5, "a": [True, None]}}]},
]

GROUPS = {
    "printing": [
        "{{ [1, 1.0, 'x', \"it's\", true, none, (1,), (), {'a': {}}] }}",
        "{{ messages[1] }}", "{{ 1e16 }} {{ 1e-5 }} {{ 0.1 + 0.2 }} {{ 1e15 }} {{ -0.0 }} {{ 10 ** 25 }}",
        "{{ 'a\\n\\t\\x00é\\u2028' }}|{{ ['a\\n\\t\\x00é\\u2028👋'] }}", "[{{ none }}{{ nope }}{{ true }}]",
        "{{ range(3) }} {{ range(0, 6, 2)[1:] }} {{ {'a': 1}.items() }} {{ {'a': 1}.keys() }}",
    ],
    "operators": [
        "{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7.5 % -2 }} {{ 2 ** -1 }} {{ 7 / 2 }} {{ 4 / 2 }}",
        "{{ 1 == 1.0 }} {{ '1' == 1 }} {{ true == 1 }} {{ [1, 2] == [1, 2.0] }} {{ {'a': 1} == {'a': 1} }} {{ nope == none }}",
        "{{ 1 < 2 < 3 }} {{ 3 > 2 > 2 }} {{ [1, 2] < [1, 3] }} {{ 'a' < 'B' }} {{ (1, 'a') <= (1, 'a') }}",
        "{{ 'a' ~ 1 ~ none ~ [1] }} {{ 'ab' * 2 }} {{ [1] * 2 + [3] }} {{ -1 | abs }}",
        "{{ 'b' in 'abc' }} {{ 1 in [1.0] }} {{ 'a' in {'a': 1} }} {{ 'x' not in nope }}",
        "{{ 0 or 'a' }} {{ 1 and '' or 'b' }} {{ not 0 }} {{ 'y' if [] else 'n' }} [{{ 'y' if false }}]",
    ],
    "texts": [
        "{{ 'xaxbx'.strip('x') }} {{ ' a '.lstrip() }}| {{ '\ufeff a'.strip() }}", "{{ 'a b  c '.split() }} {{ 'a,b,,c'.split(',', 2) }} {{ 'a b c'.rsplit(none, 1) }}",
        "{{ 'a\\nb\\r\\nc\\n'.splitlines() }} {{ 'a=b=c'.partition('=') }} {{ 'a=b=c'.rpartition('=') }} {{ 'abc'.partition('x') }}",
        "{{ 'hELLO wORLD-x'.title() }} {{ 'hELLO wORLD-x' | title }} {{ 'ǆa'.capitalize() }} {{ 'straße'.upper() }} {{ 'ß'.capitalize() }}",
        "{{ 'banana'.count('an') }} {{ 'banana'.find('n', 3) }} {{ 'é👋x'.find('x') }} {{ 'abc'.replace('', '-') }} {{ 'aaa'.replace('a', 'b', 2) }}",
        "{{ '%s|%5d|%-4s|%.2f|%x' % ('a', 42, 'b', 1.005, 255) }} {{ '{}-{1}-{n:>4}' .format(1, 2, n=3) if false else '{0}{n:>4}{0:<3}|'.format(1, n=2) }}",
        "{{ '{:.2f} {:05d} {:,} {:%}'.format(2.675, 42, 1234567, 0.25) }} {{ '42'.zfill(5) }} {{ 'a'.center(4, '*') }} {{ '٣'.isdigit() }} {{ '½'.isdecimal() }}",
        "{{ 'abcdef'[1:4] }} {{ 'abcdef'[::-2] }} {{ 'a👋b'[1] }} {{ 'abc'[7:] }}| {{ 'abc'[-5:2] }}",
    ],
    "lists and dicts": [
        "{{ [1, 2, 1].count(1) }} {{ [1, 2].index(2) }} {{ [3, 1, 2] | sort }} {{ ['b', 'A'] | sort }} {{ ['b', 'A'] | sort(case_sensitive=true) }}",
        "{{ {'a': 1}.get('b', 2) }} {{ {'a': none}.get('a', 2) }} {% for k, v in {'b': 1, 'a': 2}.items() %}{{ k }}{{ v }}{% endfor %}",
        "{{ {'b': 1, 'A': 2} | dictsort }} {{ {'b': 1, 'a': 2} | dictsort(by='value', reverse=true) }} {{ dict(a=1, **{'b': 2}) }}",
        "{{ messages | map(attribute='role') | list }} {{ messages | selectattr('n') | map(attribute='n') | list }} {{ messages | rejectattr('role', 'in', ['user']) | list | length }}",
        "{% for g in messages | groupby('role') %}{{ g[0] }}{{ g[1] | length }} {% endfor %}{{ [1, 2, 3, 4, 5] | batch(2, 0) | list }} {{ [1, 2, 3, 4, 5] | slice(3) | list }}",
        "{{ ['a', 'A', 'b'] | unique | list }} {{ [1, 2, 3] | sum }} {{ messages | sum(attribute='n', start=1) if false else [2.5, 1] | sum }} {{ ['b', 'a'] | min }} {{ [] | first is defined }}",
        "{{ messages[1].tags[-1] }} {{ messages[1]['nope'] is defined }} {{ messages[7] is defined }} {{ messages[1].tags.0 }}",
    ],
    "filters": [
        "{{ messages[2].calls | tojson }} {{ messages[2].calls | tojson(indent=1) }} {{ 'é</s>' | tojson(ensure_ascii=true) }} {{ {'b': 1, 'a': (1, 2)} | tojson(sort_keys=true, separators=(',', ':')) }}",
        "{{ '12' | int + 1 }} {{ 'x' | int(7) }} {{ '0x1f' | int(base=16) }} {{ '1.9' | int }} {{ '1.5' | float }} {{ 2.5 | round }} {{ 0.125 | round(2) }} {{ 7 | round(-1) }} {{ 2.1 | round(method='ceil') }}",
        "{{ x | default('d') }} {{ none | default('d') }} {{ '' | d('d', true) }} {{ 'a\\n\\nb' | indent(2) }}| {{ 'a b' | wordcount }} {{ 'abcdefghij klm' | truncate(9) }}",
        "{{ '<a>&\"' | e }} {{ '<b>x</b>' | striptags }} {{ 'a b/é' | urlencode }} {{ [1, none, 'a'] | join('-') }} {{ 'abc' | reverse }} {{ 'abc' | list }}",
    ],
    "tests": [
        "{{ 1 is number }} {{ true is number }} {{ true is integer }} {{ 1.0 is float }} {{ 'a' is iterable }} {{ {} is sequence }} {{ range is callable }} {{ 3 is odd }} {{ 4 is divisibleby 2 }} {{ none is none }}",
        "{{ 1 is in [1] }} {{ 'a' is eq 'a' }} {{ 1 is not string }} {{ x is undefined }} {{ 2 is gt 1 }} {{ 'Ab' is lower }} {{ 1 is sameas 1 }}",
    ],
    "statements": [
        "{% for m in messages %}{{ loop.index }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.previtem.role if not loop.first }}{{ loop.cycle('a', 'b') }}{{ loop.changed(m.role) }};{% else %}none{% endfor %}",
        "{% for n in [{'v': 1, 'c': [{'v': 2, 'c': []}]}] recursive %}{{ n.v }}{{ loop.depth }}({{ loop(n.c) }}){% endfor %}",
        "{% for i in range(5) if i % 2 %}{% if loop.index == 2 %}{% continue %}{% endif %}{{ i }}{% if i == 3 %}{% break %}{% endif %}{% endfor %}",
        "{% set l = [] %}{% for m in messages %}{% set l = l + [1] %}{% endfor %}{{ l }}{% if true %}{% set l = 2 %}{% endif %}{{ l }}",
        "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + loop.index %}{% endfor %}{{ ns.n }}",
        "{% macro f(a, b=2) %}{{ a }}{{ b }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1) }}{{ f(1, 3, 4, k=5) }}{{ f() }}",
        "{% macro f(x) %}<{{ caller(x) }}>{% endmacro %}{% call(y) f(3) %}c{{ y }}{% endcall %}{% filter upper %}abc{% endfilter %}{% set x | trim %} a {% endset %}[{{ x }}]",
        "{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a is defined }}{% raw %}{{ x }}{% endraw %}{# c #}{% set a, b = [1, 2] %}{{ a }}{{ b }}",
    ],
    "white space": [
        "  {% if true %}\n  x\n  {% endif %}\ny\n", "a {%- if true -%} \n b {% endif +%}\nc", "  {%+ if true %}b{% endif %}\n\nc\n\n", "a\n  {# c #}\nb {{- 'c' -}}  d",
        "{% raw -%}  x  {%- endraw %}\ny", "{{ 'a' }}\n{{ 'b' }}\n",
    ],
    "what is refused": [
        "{{ 'a' + 1 }}", "{{ nope.x }}", "{{ nope + 1 }}", "{{ [].append(1) }}", "{{ 1 + 2 ~ '' }}", "{% macro f(a, *c) %}{% endmacro %}", "{{ {}.update(a=1) }}", "{% set ns = namespace(_a=1) %}", "{{ 1 < 'a' }}",
        "{% do x %}", "{% if %}", "{{ 'a' | nope }}", "{{ 1 is nope }}", "{{ }}", "{% for x in [1] %}", "{{ nope | tojson }}", "{{ 1 / 0 }}", "{{ range(10 ** 6) }}", "{{ (1)[0].x }}", "{% include 'x' %}",
    ],
}

groups = {}
for name, templates in GROUPS.items():
    groups[name] = []
    for template in templates:
        case = {"template": template}
        try:
            [case["text"]], _ = render_jinja_template([MESSAGES], chat_template=template)
        except Exception as error:
            case["error"] = type(error).__name__
        groups[name].append(case)
print(json.dumps({"messages": MESSAGES, "groups": groups}, ensure_ascii=False, indent=1))
