import { FusewireError } from "@fusewire/ir";
import type { Backend } from "./backend.ts";
import {
  type ChatMessage,
  type ChatOptions,
  checkVariables,
  readChatOptions,
  readConversations,
} from "./chat-options.ts";
import { type ChatTemplates, chooseTemplate } from "./chat-templates.ts";
import { chooseMarks, controlTokens, copyPlain, markText } from "./control-tokens.ts";
import { assistantMask, encodeParts } from "./encode-chat.ts";
import { type CompiledTemplate, compileTemplate } from "./jinja/index.ts";
import { type Defaults, planEncoding } from "./options.ts";
import type { Encoding } from "./padding.ts";
import { prepareMessages, readRendered, renderOpenEnded } from "./render-chat.ts";
import { frame, inCodePoints, joinRows, type Row } from "./rows.ts";
import type { SpecialTokens } from "./special-tokens.ts";
import type { AddedToken } from "./vocab.ts";

type Chat = readonly ChatMessage[];

/** Writes conversations as the chat template says, and encodes them: one row each. */
export interface ApplyChatTemplate {
  (conversation: Chat, options: ChatOptions & { readonly tokenize: false }): string;
  (conversations: readonly Chat[], options: ChatOptions & { readonly tokenize: false }): string[];
  (conversation: Chat, options: ChatOptions & { readonly return_dict: false }): number[];
  (conversations: readonly Chat[], options: ChatOptions & { readonly return_dict: false }): number[][];
  (conversations: Chat | readonly Chat[], options?: ChatOptions): Encoding;
}

/** What a tokenizer brings to its chats. */
export interface ChatParts {
  readonly backend: Backend;
  readonly special: SpecialTokens;
  readonly templates: ChatTemplates;
  readonly defaults: Defaults;
  /** Added tokens that count as control tokens beside the special ones; undefined: those that the template writes. */
  readonly controlNames: readonly string[] | undefined;
  padId(): number;
}

export function createChat(parts: ChatParts): ApplyChatTemplate {
  const { backend, defaults, special, templates } = parts;
  const compiled = new Map<string, CompiledTemplate>();
  const compile = (text: string): CompiledTemplate => {
    const template = compiled.get(text) ?? compileTemplate(text);
    // Only the tokenizer's own: templates of callers may be any number.
    if (Object.values(templates).includes(text)) compiled.set(text, template);
    return template;
  };

  function apply(given: unknown, chatOptions: ChatOptions = {}): unknown {
    const { options, rowOptions, variables } = readChatOptions(chatOptions);
    const { conversations, isBatch } = readConversations(given);
    const { tools = null, documents = null, return_assistant_tokens_mask: wantsMask = false } = options;
    const template = compile(chooseTemplate(templates, options.chat_template, tools !== null));
    checkVariables(variables, template.source);
    if (wantsMask && !template.hasGeneration) throw noGenerationError();

    const sanitize = options.tokenize === false ? false : options.sanitize_control_tokens;
    const control = controlOf(template, parts);
    const marks = chooseMarks(JSON.stringify([given, tools, documents, variables, template.source]));
    /** Texts that the user gives, in messages of `role` or elsewhere. */
    const mark =
      (role?: unknown) =>
      (text: string): string => {
        if (sanitize === false) return text;
        const keepsOrdinary = sanitize === undefined && role === "assistant";
        return markText(text, keepsOrdinary ? control.special : control.all, marks);
      };
    const context = {
      ...special.named,
      ...(copyPlain(variables, "variables", mark()) as object),
      tools: copyPlain(tools, "tools", mark()),
      documents: copyPlain(documents, "documents", mark()),
      add_generation_prompt: options.add_generation_prompt ?? false,
    };
    const generation = wantsMask
      ? { start: marks.generationStart, end: marks.generationEnd }
      : { start: "", end: "" };
    const render = (messages: readonly object[]): string =>
      template.render({ ...context, messages }, generation);

    const { continue_final_message: open = false } = options;
    const chats = conversations.map((messages, i) => {
      const where = isBatch ? `messages[${i}]` : "messages";
      const copies = messages.map(
        (message, j) => copyPlain(message, `${where}[${j}]`, mark(message.role)) as Record<string, unknown>,
      );
      const prepared = prepareMessages(copies);
      const text = open
        ? renderOpenEnded(prepared, open === true ? "content" : open, template, marks, render)
        : render(prepared);
      return readRendered(text, marks, control.all);
    });
    if (options.tokenize === false) {
      const texts = chats.map((chat) => chat.text);
      return isBatch ? texts : texts[0];
    }

    const plan = {
      ...planEncoding({ ...rowOptions, add_special_tokens: false }, defaults, "apply_chat_template"),
      withAssistantMasks: wantsMask,
    };
    const rows = chats.map((chat): Row => {
      const { ids, spans } = encodeParts(backend, chat, plan.withOffsets || wantsMask);
      const row = {
        ids,
        ...(spans && plan.withOffsets && { offsets: inCodePoints(chat.text, spans) }),
        ...(spans && wantsMask && { assistant: assistantMask(spans, chat.generated) }),
      };
      return frame(row, backend, plan);
    });
    const encoding = joinRows(rows, plan, parts.padId);
    if (options.return_dict !== false) return encoding;
    return isBatch ? encoding.input_ids : encoding.input_ids[0];
  }

  return apply as ApplyChatTemplate;
}

const noGenerationError = (): FusewireError =>
  new FusewireError(
    "return_assistant_tokens_mask needs a chat template with {% generation %} around what the assistant writes, and this one has none; pass such a chat_template",
  );

/** Control tokens of a template: the special tokens, and all with other tokens that it writes. */
function controlOf(template: CompiledTemplate, { backend, controlNames }: ChatParts) {
  const written = template.literals.join("\0");
  const isWritten = ({ content }: AddedToken): boolean =>
    controlNames
      ? controlNames.includes(content)
      : // Gemma has white space as added tokens, which templates write as ordinary text.
        content.trim() !== "" && written.includes(content);
  return {
    special: controlTokens(backend.addedTokens.filter((token) => token.special)),
    all: controlTokens(backend.addedTokens.filter((token) => token.special || isWritten(token))),
  };
}
