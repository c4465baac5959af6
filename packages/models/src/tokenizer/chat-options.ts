import { FusewireError } from "@fusewire/ir";
import { kindOf } from "../files/index.ts";
import { boolean, type Check, checkOptions, ENCODE_CHECKS, type EncodeOptions, text } from "./options.ts";

/** A message: `role` and `content`, and whatever else the template reads. Plain data. */
export interface ChatMessage {
  readonly role?: string;
  readonly content?: unknown;
  readonly [field: string]: unknown;
}

export interface ChatOptions extends Omit<EncodeOptions, "add_special_tokens" | "split_special_tokens"> {
  /** false: the chat as text. Default true. */
  readonly tokenize?: boolean;
  /** false: the ids alone. Default true. */
  readonly return_dict?: boolean;
  /** Ends with what begins an answer. Default false. */
  readonly add_generation_prompt?: boolean;
  /** Leaves the last message open, for the model to go on with it. A text names another field than "content". */
  readonly continue_final_message?: boolean | string;
  /** JSON schemas of functions. */
  readonly tools?: readonly object[] | null;
  readonly documents?: readonly object[] | null;
  /** The name of one of the tokenizer's templates, or a template. */
  readonly chat_template?: string;
  /** Adds `assistant_masks`: 1 on tokens inside the template's `{% generation %}` blocks. Default false. */
  readonly return_assistant_tokens_mask?: boolean;
  /**
   * Which control tokens stay text when they are written in messages, tools, documents or variables. By default all
   * do, except that messages of the assistant keep those that are not special, such as <think>. true: all do; false:
   * none, so whoever writes a message can write the whole chat.
   */
  readonly sanitize_control_tokens?: boolean;
  /** Variables of the template. */
  readonly [variable: string]: unknown;
}

const list: Check = ["a list of objects", (value) => Array.isArray(value) && value.every(isObject)];
const { add_special_tokens: _, split_special_tokens: __, ...rowChecks } = ENCODE_CHECKS;
const CHECKS: Readonly<Record<string, Check>> = {
  tokenize: boolean,
  return_dict: boolean,
  add_generation_prompt: boolean,
  continue_final_message: [
    "true, false or the name of a field",
    (value) => typeof value === "boolean" || typeof value === "string",
  ],
  tools: ["a list of objects, or null", (value) => value === null || list[1](value)],
  documents: ["a list of objects, or null", (value) => value === null || list[1](value)],
  chat_template: text,
  return_assistant_tokens_mask: boolean,
  sanitize_control_tokens: boolean,
  ...rowChecks,
};

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const OF = "apply_chat_template";

/** Splits what a call gives into options that are checked, options of rows, and variables of the template. */
export function readChatOptions(given: ChatOptions): {
  readonly options: ChatOptions;
  readonly rowOptions: EncodeOptions;
  readonly variables: Readonly<Record<string, unknown>>;
} {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  const pick = (keep: (name: string) => boolean) =>
    Object.fromEntries(entries.filter(([name]) => keep(name)));
  const isOption = (name: string): boolean => Object.hasOwn(CHECKS, name);
  const options: ChatOptions = pick(isOption);
  checkOptions(options, CHECKS, OF);

  const {
    tokenize = true,
    return_dict = true,
    continue_final_message,
    return_assistant_tokens_mask,
  } = options;
  const refuse = (what: string, fix: string): never => {
    throw new FusewireError(`${OF}: ${what}; ${fix}`);
  };
  if (continue_final_message && options.add_generation_prompt)
    refuse(
      "continue_final_message goes on with the last message and add_generation_prompt begins a new one",
      "set one of them",
    );
  if (continue_final_message && return_assistant_tokens_mask)
    refuse("return_assistant_tokens_mask needs whole messages", "leave out continue_final_message");
  if (return_assistant_tokens_mask && !(tokenize && return_dict))
    refuse("return_assistant_tokens_mask is part of the encoding", "leave out tokenize and return_dict");
  if (options.sanitize_control_tokens && !tokenize)
    refuse("sanitize_control_tokens acts on ids, and a text cannot keep it", "leave out tokenize: false");
  return {
    options,
    rowOptions: pick((name) => Object.hasOwn(rowChecks, name)),
    variables: pick((name) => !isOption(name)),
  };
}

/** A variable that the template never mentions is a mistake in its name, or an option that does not exist. */
export function checkVariables(variables: object, source: string): void {
  for (const name of Object.keys(variables)) {
    const isName = /^[A-Za-z_]\w*$/.test(name);
    if (isName && name !== "messages" && name !== "namespace" && new RegExp(`\\b${name}\\b`).test(source))
      continue;
    throw new FusewireError(
      `${OF} has no option '${name}', and the chat template reads no variable of that name; options are ${Object.keys(CHECKS).join(", ")}`,
    );
  }
}

/** The conversations of a call, and whether it gave several. */
export function readConversations(given: unknown): {
  readonly conversations: readonly (readonly ChatMessage[])[];
  readonly isBatch: boolean;
} {
  if (!Array.isArray(given) || given.length === 0)
    throw new FusewireError(
      `${OF} needs a list of messages, or of conversations, with at least one; got ${Array.isArray(given) ? "an empty list" : kindOf(given)}`,
    );
  const isBatch = given.every((one) => Array.isArray(one));
  const conversations = isBatch ? given : [given];
  conversations.forEach((messages, i) => {
    messages.forEach((message: unknown, j: number) => {
      if (!isObject(message))
        throw new FusewireError(
          `message ${j}${isBatch ? ` of conversation ${i}` : ""} is ${kindOf(message)}, expected an object with 'role' and 'content'`,
        );
    });
  });
  return { conversations, isBatch };
}
