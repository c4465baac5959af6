import { FusewireError } from "@fusewire/ir";
import { plural } from "../text/units.ts";

/** One message, as chat templates read it. A type, for an interface is no record of anything. */
export type Message = { readonly role: string; readonly content: string };

/** Messages in their order; the first may be the system's. */
export type Conversation = readonly Message[];

/** Ids of a conversation, up to where the answer begins. */
export type EncodeChat = (messages: Conversation) => readonly number[];

export const systemOf = (messages: Conversation): string | undefined =>
  messages[0]?.role === "system" ? messages[0].content : undefined;

const withoutSystem = (messages: Conversation): Conversation =>
  systemOf(messages) === undefined ? messages : messages.slice(1);

/** The conversation under another system message, or under none. */
export const withSystem = (messages: Conversation, system: string | undefined): Conversation => [
  ...(system === undefined ? [] : [{ role: "system", content: system }]),
  ...withoutSystem(messages),
];

/** What an answer may fill. */
export interface Space {
  /** Tokens that the model can hold. */
  readonly context: number;
  /** Tokens that an answer should have before older turns are kept. */
  readonly reserve: number;
}

export interface Fitted {
  readonly messages: Conversation;
  readonly ids: readonly number[];
  /** Messages that were left out. */
  readonly dropped: number;
}

/**
 * The conversation as it fits the model: whole turns are left out from the oldest on, never the system message nor
 * what was said last.
 */
export function fit(messages: Conversation, encode: EncodeChat, { context, reserve }: Space): Fitted {
  let kept = messages;
  for (;;) {
    const ids = encode(kept);
    if (ids.length + reserve <= context)
      return { messages: kept, ids, dropped: messages.length - kept.length };
    const shorter = withoutOldestTurn(kept);
    if (shorter === undefined) {
      // Nothing is left to take out: an answer with less room is better than none.
      if (ids.length < context) return { messages: kept, ids, dropped: messages.length - kept.length };
      const system = systemOf(kept) === undefined ? "" : " with the system message";
      throw new FusewireError(
        `the message takes ${plural(ids.length, "token")}${system}, and the model holds ${context} with the answer; shorten it`,
      );
    }
    kept = shorter;
  }
}

/** Leaves out everything before the second message of the user; undefined where there is no such. */
function withoutOldestTurn(messages: Conversation): Conversation | undefined {
  const rest = withoutSystem(messages);
  const next = rest.findIndex(({ role }, i) => i > 0 && role === "user");
  return next < 0 ? undefined : withSystem(rest.slice(next), systemOf(messages));
}

/** The conversation before the last message of the user, and that message; undefined where there is none. */
export function beforeLastTurn(
  messages: Conversation,
): { readonly messages: Conversation; readonly text: string } | undefined {
  const at = messages.findLastIndex(({ role }) => role === "user");
  const last = messages[at];
  return last && { messages: messages.slice(0, at), text: last.content };
}
