import { closestName, FusewireError } from "@fusewire/ir";

/** One field of a request's body. */
export interface Field<T = unknown> {
  /** What is allowed, as a sentence of an error message completes "must be". */
  readonly allowed: string;
  readonly accepts: (value: unknown) => value is T;
  /** What it does, for the route's documentation. */
  readonly doc: string;
}

export type Fields = Readonly<Record<string, Field>>;

/** What a body that was checked against fields holds. */
export type Read<F extends Fields> = {
  readonly [K in keyof F]?: F[K] extends Field<infer T> ? T : never;
};

/** A body that is not what a route takes. */
export class InvalidField extends FusewireError {
  /** The field that is wrong; undefined where all of the body is. */
  readonly param: string | undefined;

  constructor(message: string, param?: string) {
    super(message);
    this.param = param;
  }
}

/**
 * The body's fields, each of the right kind. A null counts as not given, as clients write it; a field that a route does
 * not have is an error that names it, so that nothing which was asked for is left out in silence.
 */
export function readFields<F extends Fields>(
  body: unknown,
  fields: F,
  required: readonly (keyof F)[],
): Read<F> {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw new InvalidField("the body must be a JSON object");
  const given = Object.entries(body).filter(([, value]) => value !== null);
  for (const [name, value] of given) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (!field) throw new InvalidField(`unknown field '${name}'${guess(name, fields)}`, name);
    if (!field.accepts(value)) throw new InvalidField(`'${name}' must be ${field.allowed}`, name);
  }
  const missing = required.find((name) => !given.some(([one]) => one === name));
  if (missing !== undefined) throw new InvalidField(`'${String(missing)}' is missing`, String(missing));
  return Object.fromEntries(given) as Read<F>;
}

function guess(name: string, fields: Fields): string {
  const closest = closestName(name, Object.keys(fields));
  return closest === undefined ? "" : `; did you mean '${closest}'?`;
}
