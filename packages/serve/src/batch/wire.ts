/** What goes between a batch in a worker and those who ask it. */
import { FusewireError } from "@fusewire/ir";
import { type BatchEnd, type BatchLoad, type BatchRequest, type BatchStep, Overloaded } from "./batch.ts";

/** To the worker. A text has a number that the asking side gives it. */
export type Order =
  | { readonly kind: "submit"; readonly id: number; readonly request: Omit<BatchRequest, "signal"> }
  | { readonly kind: "leave"; readonly id: number };

/** From the worker; each tells what the batch has to do then. */
export type Report = { readonly load: BatchLoad } & (
  | { readonly kind: "opened"; readonly max_length: number }
  | { readonly kind: "taken"; readonly id: number }
  | { readonly kind: "step"; readonly id: number; readonly step: BatchStep }
  | { readonly kind: "ended"; readonly id: number; readonly end: BatchEnd }
  | { readonly kind: "failed"; readonly id: number; readonly error: SentError }
);

/** An error as plain data. */
export interface SentError {
  readonly kind: "overloaded" | "user" | "defect";
  readonly message: string;
  readonly texts?: number;
  readonly retry_after?: number;
}

export function sendError(error: unknown): SentError {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Overloaded)
    return { kind: "overloaded", message, texts: error.texts, retry_after: error.retry_after };
  return { kind: error instanceof FusewireError ? "user" : "defect", message };
}

export function receiveError({ kind, message, texts = 0, retry_after = 1 }: SentError): Error {
  switch (kind) {
    case "overloaded":
      return new Overloaded(texts, retry_after);
    case "user":
      return new FusewireError(message);
    case "defect":
      return new Error(message);
  }
}

/** One end of a connection between two threads. */
export interface Port<Out, In> {
  send(message: Out): void;
  onMessage(listener: (message: In) => void): void;
}
