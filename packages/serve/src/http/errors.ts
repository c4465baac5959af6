import { FusewireError } from "@fusewire/ir";
import { Overloaded } from "../batch/batch.ts";
import { InvalidField } from "../fields/field.ts";

/** An answer that is no success, in the terms of HTTP. */
export interface Failure {
  readonly status: 400 | 401 | 403 | 404 | 413 | 429 | 500 | 503;
  readonly message: string;
  /** The field that is wrong. */
  readonly param?: string | undefined;
  readonly code?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A failure that a route or a guard decides on. */
export class HttpError extends FusewireError {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** What an error means to the client. Only what the client can mend is told in full. */
export function failureOf(error: unknown): Failure {
  if (error instanceof HttpError) return error.failure;
  if (error instanceof InvalidField) return { status: 400, message: error.message, param: error.param };
  if (error instanceof Overloaded)
    return {
      status: 429,
      message: error.message,
      code: "overloaded",
      headers: { "retry-after": String(error.retry_after), "x-should-retry": "true" },
    };
  if (error instanceof FusewireError) return { status: 400, message: error.message };
  return { status: 500, message: "the model failed on this request; the server's log has the reason" };
}

const TYPES: Readonly<Record<Failure["status"], string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  413: "invalid_request_error",
  429: "rate_limit_error",
  500: "server_error",
  503: "unavailable_error",
};

/** The body that OpenAI's clients read. */
export const openaiError = ({ status, message, param, code }: Failure) => ({
  error: { message, type: TYPES[status], param: param ?? null, code: code ?? null },
});
