/** Calls between two threads. This package knows no workers: whoever starts one gives its ends as ports. */
import { FusewireError } from "@fusewire/ir";
import { DisposedError } from "../engine/disposed.ts";

/** One end of a channel. What is posted is cloned, but for the buffers of `transfer`, which move. */
export interface Port {
  readonly post: (message: unknown, transfer: ArrayBuffer[]) => void;
  readonly onMessage: (listener: (message: unknown) => void) => void;
  /** Told why when the other end is gone. */
  readonly onFailure: (listener: (reason: string) => void) => void;
  /** Ends the channel, and the thread behind it where there is one. */
  readonly close: () => void | Promise<void>;
}

/** Functions of one thread that another may call, each with one argument that can be cloned. */
type Functions<T> = { readonly [K in keyof T]: (given: never) => unknown };
type Given<F> = F extends (given: infer G) => unknown ? G : never;
type Result<F> = F extends (given: never) => infer R ? Awaited<R> : never;

export interface Calls<Theirs> {
  /** Calls a function of the other thread. */
  call<K extends keyof Theirs>(name: K, given: Given<Theirs[K]>): Promise<Result<Theirs[K]>>;
  /** Calls without an answer; a failure is not heard of. */
  tell<K extends keyof Theirs>(name: K, given: Given<Theirs[K]>): void;
}

type Message =
  | { readonly kind: "call"; readonly id: number | undefined; readonly name: string; readonly given: unknown }
  | { readonly kind: "result"; readonly id: number; readonly value: unknown }
  | { readonly kind: "error"; readonly id: number; readonly error: ErrorText };

/** What of an error crosses. */
interface ErrorText {
  readonly kind: "disposed" | "user" | "defect";
  readonly message: string;
  readonly stack: string | undefined;
  /** What errors carry beside their text, such as `fault`. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * Answers the calls of the other thread with `ours` and calls its functions. `moved` names the buffers of a result
 * that nobody here uses any more.
 */
export function createCalls<Theirs extends Functions<Theirs>, Ours extends Functions<Ours>>(
  port: Port,
  ours: Ours,
  moved: (name: keyof Ours, value: unknown) => ArrayBuffer[],
): Calls<Theirs> {
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: unknown) => void }>();
  let next = 0;
  let failure: FusewireError | undefined;

  async function answer(id: number | undefined, name: keyof Ours, given: unknown): Promise<void> {
    try {
      const value = await (ours[name] as unknown as (given: unknown) => unknown)(given);
      if (id !== undefined) post({ kind: "result", id, value }, moved(name, value));
    } catch (error) {
      if (id !== undefined) post({ kind: "error", id, error: textOf(error) });
    }
  }
  const post = (message: Message, transfer: ArrayBuffer[] = []): void => port.post(message, transfer);

  port.onMessage((received) => {
    const message = received as Message;
    if (message.kind === "call") return void answer(message.id, message.name as keyof Ours, message.given);
    const waiter = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.kind === "result") waiter?.resolve(message.value);
    else waiter?.reject(errorOf(message.error));
  });
  port.onFailure((reason) => {
    failure ??= new FusewireError(reason);
    for (const { reject } of waiting.values()) reject(failure);
    waiting.clear();
  });
  return {
    call(name, given) {
      if (failure) return Promise.reject(failure);
      const id = next++;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
        post({ kind: "call", id, name: name as string, given });
      });
    },
    tell: (name, given) => post({ kind: "call", id: undefined, name: name as string, given }),
  };
}

function textOf(error: unknown): ErrorText {
  if (!(error instanceof Error))
    return { kind: "defect", message: String(error), stack: undefined, fields: {} };
  const kind =
    error instanceof DisposedError ? "disposed" : error instanceof FusewireError ? "user" : "defect";
  const { message, stack } = error;
  return { kind, message, stack, fields: { ...error } };
}

function errorOf({ kind, message, stack, fields }: ErrorText): Error {
  const classes = { disposed: DisposedError, user: FusewireError, defect: Error };
  const error = Object.assign(new classes[kind](message), fields);
  if (stack !== undefined) error.stack = stack;
  return error;
}
