import type { GenerationOptions } from "@fusewire/generate";
import { FusewireError } from "@fusewire/ir";
import { type ChatMessage, HUB_OPTIONS, type ModelFiles, type Tokenizer } from "@fusewire/models";
import {
  AutoModelForCausalLM,
  AutoTokenizer,
  type FromPretrainedOptions,
  type PretrainedModel,
} from "./auto.ts";
import { chatInputs, endsOfTurns, isChat } from "./chat_prompt.ts";

/** Options of a call: those of generate(), and what is returned. */
export interface TextGenerationOptions extends GenerationOptions {
  /** Whether the text begins with the prompt, and a conversation with its messages. Default true. */
  return_full_text?: boolean;
}

/** One text: of a prompt a string, of a conversation its messages and the answer, or with return_full_text false the answer. */
export interface TextGenerationOutput<T = string> {
  readonly generated_text: T;
}

type Chat = readonly ChatMessage[];

/** A model and its tokenizer, called with texts or conversations (Hugging Face TextGenerationPipeline). */
export interface TextGenerationPipeline {
  (text: string, options?: TextGenerationOptions): Promise<TextGenerationOutput[]>;
  (texts: readonly string[], options?: TextGenerationOptions): Promise<TextGenerationOutput[][]>;
  (chat: Chat, options?: TextGenerationOptions): Promise<TextGenerationOutput<string | ChatMessage[]>[]>;
  (
    chats: readonly Chat[],
    options?: TextGenerationOptions,
  ): Promise<TextGenerationOutput<string | ChatMessage[]>[][]>;
  readonly model: PretrainedModel;
  readonly tokenizer: Tokenizer;
  /** Frees the model. */
  dispose(): Promise<void>;
}

/** What Hugging Face's pipeline does where neither the caller nor the checkpoint says otherwise. */
const DEFAULTS = { max_new_tokens: 256, do_sample: true, temperature: 0.7 };

/**
 * Loads a model with its tokenizer for texts and conversations (Hugging Face pipeline). `source` and options are those of
 * `AutoModelForCausalLM.from_pretrained`. Several inputs are one batch, padded on the left.
 */
export async function pipeline(
  task: "text-generation",
  source: string | ModelFiles,
  options: FromPretrainedOptions = {},
): Promise<TextGenerationPipeline> {
  if (task !== "text-generation")
    throw new FusewireError(
      `pipeline(): the task '${String(task)}' is not built; there is 'text-generation'`,
    );
  const model = await AutoModelForCausalLM.from_pretrained(source, options);
  const ofHub = Object.entries(options).filter(([name]) => HUB_OPTIONS.includes(name));
  const tokenizer = await AutoTokenizer.from_pretrained(source, Object.fromEntries(ofHub)).catch(
    async (error: unknown) => {
      await model.dispose();
      throw error;
    },
  );
  const call = (given: unknown, asked: TextGenerationOptions = {}) =>
    generate(model, tokenizer, given, asked);
  return Object.assign(call, {
    model,
    tokenizer,
    dispose: () => model.dispose(),
  }) as TextGenerationPipeline;
}

async function generate(
  model: PretrainedModel,
  tokenizer: Tokenizer,
  given: unknown,
  { return_full_text = true, ...asked }: TextGenerationOptions,
): Promise<unknown> {
  const { prompts, isBatch } = readPrompts(given);
  const chats = prompts.filter((prompt) => typeof prompt !== "string");
  const texts = prompts.filter((prompt) => typeof prompt === "string");
  const pad = { padding: prompts.length > 1, padding_side: "left" } as const;
  const inputs = chats.length > 0 ? chatInputs(tokenizer, chats, pad) : tokenizer(texts, pad);
  const options = withDefaults(asked, model);
  if (chats.length > 0) options.eos_token_id ??= endsOfTurns(model, tokenizer);
  const { new_tokens } = await model.generate(inputs, options);
  const each = new_tokens.length / prompts.length;
  const outputs = prompts.map((prompt, p) =>
    new_tokens.slice(p * each, (p + 1) * each).map((ids) => {
      const text = tokenizer.decode(ids, { skip_special_tokens: true });
      return { generated_text: return_full_text ? behind(prompt, text) : text };
    }),
  );
  return isBatch ? outputs : outputs[0];
}

/** The text behind its prompt, or as the answer of a conversation; an answer that was begun goes on. */
function behind(prompt: string | Chat, text: string): string | ChatMessage[] {
  if (typeof prompt === "string") return prompt + text;
  const last = prompt.at(-1)!;
  if (last.role !== "assistant") return [...prompt, { role: "assistant", content: text }];
  return [...prompt.slice(0, -1), { ...last, content: String(last.content) + text }];
}

/** The caller's options, and the pipeline's own where nothing says otherwise. */
function withDefaults(asked: GenerationOptions, { generation_config }: PretrainedModel): GenerationOptions {
  const settings = { ...generation_config, ...asked.generation_config, ...asked };
  const { max_new_tokens, ...sampling } = DEFAULTS;
  const samples = settings.do_sample ?? sampling.do_sample;
  return {
    ...((settings.max_new_tokens ?? settings.max_length) == null && { max_new_tokens }),
    ...(settings.do_sample == null && { do_sample: samples }),
    ...(samples && settings.temperature == null && { temperature: sampling.temperature }),
    ...asked,
  };
}

function readPrompts(given: unknown): { readonly prompts: (string | Chat)[]; readonly isBatch: boolean } {
  if (typeof given === "string" || isChat(given)) return { prompts: [given], isBatch: false };
  if (Array.isArray(given) && given.length > 0) {
    const prompts = given as unknown[];
    if (prompts.every((one) => typeof one === "string") || prompts.every(isChat))
      return { prompts: prompts as (string | Chat)[], isBatch: true };
  }
  throw new FusewireError(
    "a pipeline takes a text, a list of texts, a conversation (messages with role and content), or a list of conversations",
  );
}
