import type { BinaryOperator } from "./operators.ts";
import type { Value } from "./values.ts";

export type CompareOperator = "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not in";

export interface CallArguments {
  readonly positional: readonly Expression[];
  readonly named: readonly (readonly [name: string, value: Expression])[];
  /** `*rest` and `**rest`. */
  readonly rest: Expression | undefined;
  readonly namedRest: Expression | undefined;
}

export type Expression =
  | { readonly kind: "constant"; readonly value: Value }
  | { readonly kind: "name"; readonly name: string; readonly line: number }
  | { readonly kind: "list" | "tuple"; readonly items: readonly Expression[] }
  | { readonly kind: "dict"; readonly entries: readonly (readonly [Expression, Expression])[] }
  | { readonly kind: "attribute"; readonly of: Expression; readonly name: string }
  | { readonly kind: "item"; readonly of: Expression; readonly key: Expression }
  | { readonly kind: "slice"; readonly bounds: readonly [Expression, Expression, Expression] }
  | { readonly kind: "call"; readonly of: Expression; readonly given: CallArguments }
  /** Without `of`: applied to the text of a block. */
  | {
      readonly kind: "filter";
      readonly of: Expression | undefined;
      readonly name: string;
      readonly given: CallArguments;
      readonly line: number;
    }
  | {
      readonly kind: "test";
      readonly of: Expression;
      readonly name: string;
      readonly given: CallArguments;
      readonly line: number;
    }
  | { readonly kind: "not"; readonly of: Expression }
  | { readonly kind: "unary"; readonly operator: "-" | "+"; readonly of: Expression }
  | {
      readonly kind: "binary";
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: "and" | "or"; readonly left: Expression; readonly right: Expression }
  | { readonly kind: "concat"; readonly parts: readonly Expression[] }
  | {
      readonly kind: "compare";
      readonly first: Expression;
      readonly rest: readonly (readonly [CompareOperator, Expression])[];
    }
  | {
      readonly kind: "choice";
      readonly condition: Expression;
      readonly value: Expression;
      readonly otherwise: Expression | undefined;
    };

export type Target =
  | { readonly kind: "name"; readonly name: string }
  /** `{% set space.name = … %}` */
  | { readonly kind: "attribute"; readonly of: string; readonly name: string }
  | { readonly kind: "tuple"; readonly items: readonly Target[] };

export interface Parameter {
  readonly name: string;
  readonly otherwise: Expression | undefined;
}

export type Statement =
  | { readonly kind: "data"; readonly text: string }
  | { readonly kind: "print"; readonly value: Expression; readonly line: number }
  | {
      readonly kind: "if";
      readonly branches: readonly (readonly [condition: Expression, body: readonly Statement[]])[];
      readonly otherwise: readonly Statement[];
      readonly line: number;
    }
  | {
      readonly kind: "for";
      readonly target: Target;
      readonly items: Expression;
      readonly condition: Expression | undefined;
      readonly recursive: boolean;
      readonly body: readonly Statement[];
      readonly otherwise: readonly Statement[];
      readonly line: number;
    }
  | { readonly kind: "set"; readonly target: Target; readonly value: Expression; readonly line: number }
  | {
      readonly kind: "set-block";
      readonly target: Target;
      readonly filter: Expression | undefined;
      readonly body: readonly Statement[];
      readonly line: number;
    }
  | {
      readonly kind: "macro";
      readonly name: string;
      readonly parameters: readonly Parameter[];
      readonly body: readonly Statement[];
      readonly line: number;
    }
  | {
      readonly kind: "call";
      readonly call: Extract<Expression, { kind: "call" }>;
      readonly parameters: readonly Parameter[];
      readonly body: readonly Statement[];
      readonly line: number;
    }
  | {
      readonly kind: "filter";
      readonly filter: Expression;
      readonly body: readonly Statement[];
      readonly line: number;
    }
  | {
      readonly kind: "with";
      readonly variables: readonly (readonly [Target, Expression])[];
      readonly body: readonly Statement[];
      readonly line: number;
    }
  | { readonly kind: "generation" | "block"; readonly body: readonly Statement[]; readonly line: number }
  | { readonly kind: "break" | "continue"; readonly line: number };
