import { FusewireError } from "@fusewire/ir";
import { strftime } from "../strftime.ts";
import { bind, integerOf } from "./arguments.ts";
import { iterate } from "./operators.ts";
import { strOf } from "./print.ts";
import {
  type Arguments,
  Attributes,
  Callable,
  Dict,
  Namespace,
  Range,
  TemplateFailure,
  Undefined,
  type Value,
} from "./values.ts";

/** As in jinja2's sandbox. */
const LARGEST_RANGE = 100_000;

/** `dict(…)`: pairs or another dict, and names. */
function dictOf({ positional, named }: Arguments): Dict {
  const [first] = positional;
  const entries =
    first === undefined
      ? []
      : first instanceof Dict
        ? first.entries()
        : iterate(first).map((pair) => {
            const [key, value] = iterate(pair);
            if (key === undefined || value === undefined)
              throw new TemplateFailure("ValueError: dict() takes pairs of a key and a value");
            return [key, value] as const;
          });
  return Dict.of([...entries, ...named]);
}

const called = (name: string, call: (given: Arguments) => Value): readonly [string, Value] => [
  name,
  new Callable(name, call),
];

/** What a template finds beside its variables: jinja2's globals, and those that transformers adds. */
export const GLOBALS: readonly (readonly [string, Value])[] = [
  called("range", (given) => {
    const [first, second, step = 1n] = bind("range", given, ["start"], ["stop", "step"]);
    const [start, stop] = second === undefined ? [0n, first!] : [first!, second];
    const [from, to, by] = [start, stop, step].map((one) => BigInt(integerOf(one, "range")));
    if (by === 0n) throw new TemplateFailure("ValueError: range() arg 3 must not be zero");
    const range = new Range(from!, to!, by!);
    if (range.length > LARGEST_RANGE)
      throw new TemplateFailure(
        `OverflowError: Range too big. The sandbox blocks ranges larger than MAX_RANGE (${LARGEST_RANGE}).`,
      );
    return range;
  }),
  called("dict", dictOf),
  called("namespace", (given) => {
    const attributes = dictOf(given);
    const hidden = attributes.keys().find((key) => strOf(key).startsWith("_"));
    if (hidden !== undefined)
      throw new TemplateFailure(
        `SecurityError: Chat templates cannot store underscore-prefixed attributes on a namespace, but got '${strOf(hidden)}'. Please rename the attribute.`,
      );
    return new Namespace(attributes);
  }),
  called("raise_exception", (given) => {
    const [message] = bind("raise_exception", given, ["message"]);
    throw new FusewireError(
      `the chat template refuses these messages: ${strOf(message!)}; change the messages, or pass another chat_template`,
    );
  }),
  called("strftime_now", (given) => strftime(new Date(), strOf(bind("strftime_now", given, ["format"])[0]!))),
  called("joiner", (given) => {
    const [separator = ", "] = bind("joiner", given, [], ["sep"]);
    let used = false;
    return new Callable("joiner", () => {
      const text = used ? separator : "";
      used = true;
      return text;
    });
  }),
  called("cycler", ({ positional }) => {
    if (positional.length === 0)
      throw new TemplateFailure("RuntimeError: at least one item has to be provided");
    let at = 0;
    const attributes: Readonly<Record<string, () => Value>> = {
      current: () => positional[at]!,
      next: () => new Callable("next", () => positional[at++ % positional.length]!),
      reset: () =>
        new Callable("reset", () => {
          at = 0;
          return null;
        }),
    };
    return new Attributes("Cycler", (name) =>
      Object.hasOwn(attributes, name) ? attributes[name]!() : undefined,
    );
  }),
  called("lipsum", () => {
    throw new TemplateFailure("'lipsum' is not built: the same chat must give the same text");
  }),
  ["self", new Attributes("TemplateReference", (name) => new Undefined(`block '${name}' is not built`))],
];
