import { bind } from "./arguments.ts";
import { isEqual } from "./operators.ts";
import {
  type Arguments,
  Attributes,
  Callable,
  firstGiven,
  TemplateFailure,
  Tuple,
  Undefined,
  type Value,
} from "./values.ts";

/** The variable `loop` of a loop over these items, at each of them. */
export function createLoop(
  items: readonly Value[],
  depth: number,
  recurse: ((given: Arguments) => Value) | undefined,
): { at(index: number): Value } {
  /** What `loop.changed` was given last. */
  let last: Value | undefined;
  const changed = new Callable("changed", ({ positional }) => {
    const now = new Tuple(positional);
    const isNew = last === undefined || !isEqual(last, now);
    last = now;
    return isNew;
  });
  const { length } = items;
  const neighbour = (index: number, name: string): Value =>
    firstGiven(items[index], new Undefined(`there is no ${name} item`))!;
  const facts: Readonly<Record<string, (index: number) => Value>> = {
    index: (i) => BigInt(i + 1),
    index0: (i) => BigInt(i),
    revindex: (i) => BigInt(length - i),
    revindex0: (i) => BigInt(length - i - 1),
    first: (i) => i === 0,
    last: (i) => i === length - 1,
    length: () => BigInt(length),
    depth: () => BigInt(depth),
    depth0: () => BigInt(depth - 1),
    previtem: (i) => (i === 0 ? new Undefined("there is no previous item") : neighbour(i - 1, "previous")),
    nextitem: (i) => neighbour(i + 1, "next"),
    changed: () => changed,
    cycle: (i) =>
      new Callable("cycle", ({ positional }) => {
        if (positional.length === 0) throw new TemplateFailure("TypeError: no items for cycling given");
        return positional[i % positional.length]!;
      }),
  };
  // A loop without `recursive` is called in vain, which Python says when it is.
  const run = (given: Arguments): Value => {
    if (recurse) {
      bind("loop", given, ["iterable"]);
      return recurse(given);
    }
    throw new TemplateFailure(
      "TypeError: The loop must have the 'recursive' marker to be called recursively.",
    );
  };
  return {
    at: (index) =>
      new Attributes(
        "LoopContext",
        (name) => (Object.hasOwn(facts, name) ? facts[name]!(index) : undefined),
        run,
      ),
  };
}
