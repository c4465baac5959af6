import type { Budget } from "./budget.ts";
import { evaluate } from "./evaluate.ts";
import type { Expression, Parameter, Statement } from "./nodes.ts";
import { createScope, type Scope } from "./scope.ts";
import { Callable, Dict, firstGiven, TemplateFailure, Tuple, Undefined } from "./values.ts";

interface Definition {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  readonly body: readonly Statement[];
}

/**
 * A macro, or the body of a `{% call %}`: a function that gives its text, and sees the variables around it. `textOf`
 * renders a body.
 */
export function createMacro(
  { name, parameters, body }: Definition,
  outer: Scope,
  budget: Budget,
  textOf: (body: readonly Statement[], scope: Scope) => string,
): Callable {
  const takes = (special: string): boolean => mentions(body, special);
  const [rest, namedRest, caller] = [takes("varargs"), takes("kwargs"), takes("caller")];
  const names = parameters.map((parameter) => parameter.name);
  return new Callable(name, ({ positional, named }) => {
    if (positional.length > names.length && !rest)
      throw new TemplateFailure(`TypeError: macro '${name}' takes not more than ${names.length} argument(s)`);
    const left = new Map(named);
    const scope = createScope(outer);
    for (const [i, { name: parameter, otherwise }] of parameters.entries()) {
      const given = firstGiven(positional[i], left.get(parameter));
      if (positional[i] !== undefined && left.has(parameter))
        throw new TemplateFailure(
          `TypeError: macro '${name}' got multiple values for argument '${parameter}'`,
        );
      left.delete(parameter);
      const missing = new Undefined(`parameter '${parameter}' was not provided`);
      scope.set(
        parameter,
        given !== undefined ? given : otherwise ? evaluate(otherwise, { scope, budget }) : missing,
      );
    }
    if (caller) scope.set("caller", firstGiven(left.get("caller"), new Undefined("No caller defined"))!);
    else if (left.has("caller"))
      throw new TemplateFailure(
        `TypeError: macro '${name}' was invoked with two values for the special caller argument. This is most likely a bug.`,
      );
    left.delete("caller");
    if (namedRest) scope.set("kwargs", Dict.of(left));
    else if (left.size > 0)
      throw new TemplateFailure(
        `TypeError: macro '${name}' takes no keyword argument '${[...left.keys()][0]}'`,
      );
    if (rest) scope.set("varargs", new Tuple(positional.slice(names.length)));
    return textOf(body, scope);
  });
}

/** Whether a name is read anywhere in a body. */
function mentions(body: readonly Statement[], name: string): boolean {
  const within = (node: unknown): boolean => {
    if (Array.isArray(node)) return node.some(within);
    if (typeof node !== "object" || node === null) return false;
    const { kind, name: found } = node as Partial<Extract<Expression, { kind: "name" }>>;
    if (kind === "name" && found === name) return true;
    return Object.values(node).some(within);
  };
  return within(body);
}
