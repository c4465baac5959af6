import { FusewireError } from "@fusewire/ir";
import { hasNo, isJsonObject, type JsonObject, kindOf, type ModelFiles, readJson } from "../files/index.ts";
import { type Backend, createBackend } from "./backend.ts";
import { type ApplyChatTemplate, createChat } from "./chat.ts";
import { type ChatTemplates, readChatTemplates } from "./chat-templates.ts";
import {
  type Check,
  checkOptions,
  DECODE_CHECKS,
  type DecodeOptions,
  type Defaults,
  type EncodeOptions,
  type PadOptions,
  planEncoding,
  planPadding,
  type Side,
  side,
  size,
  text as textCheck,
} from "./options.ts";
import { type Encoding, padEncoding } from "./padding.ts";
import { encodeRow, joinRows } from "./rows.ts";
import { readSpecialTokens, type SpecialName, type SpecialTokens } from "./special-tokens.ts";

/** Turns text into token ids and back as the tokenizer of Hugging Face with the same files does. */
export interface Tokenizer {
  /** Encodes texts together, one row each. */
  (text: string | readonly string[], options?: EncodeOptions): Encoding;
  /** Ids of one text. */
  encode(text: string, options?: EncodeOptions): number[];
  /** Text of ids; ids without a token give nothing. */
  decode(ids: number | ArrayLike<number>, options?: DecodeOptions): string;
  batch_decode(rows: readonly ArrayLike<number>[], options?: DecodeOptions): string[];
  /** Fills rows that are encoded already; `padding` is true unless it is given. */
  pad(encoding: RowsToPad, options?: PadOptions): Encoding;
  /** Writes conversations as the chat template says, and encodes them. */
  readonly apply_chat_template: ApplyChatTemplate;
  /** The chat template, or several by name. */
  readonly chat_template: string | ChatTemplates | undefined;
  convert_tokens_to_ids(token: string): number | undefined;
  convert_ids_to_tokens(id: number): string | undefined;
  /** UTF-8 bytes that a token adds in the midst of a text, half characters included; nothing where no token has the id. */
  token_bytes(id: number): Uint8Array | undefined;
  readonly bos_token: string | undefined;
  readonly eos_token: string | undefined;
  /** May be set to any token of the vocabulary, such as `eos_token`, where the files name none. */
  pad_token: string | undefined;
  readonly unk_token: string | undefined;
  readonly bos_token_id: number | undefined;
  readonly eos_token_id: number | undefined;
  /** May be set, which sets `pad_token`. */
  pad_token_id: number | undefined;
  readonly unk_token_id: number | undefined;
  readonly all_special_tokens: readonly string[];
  readonly all_special_ids: readonly number[];
  /** Tokens without those that were added to the trained ones. */
  readonly vocab_size: number;
  /** All tokens: `len(tokenizer)` in Python. */
  readonly size_with_added_tokens: number;
  /** May be set; generation needs "left". */
  padding_side: Side;
  /** May be set. */
  truncation_side: Side;
  /** In tokens; Infinity where the files set no limit. May be set. */
  model_max_length: number;
  /** Whether `decode` takes away spaces before punctuation: never for BPE, as in transformers. */
  readonly clean_up_tokenization_spaces: boolean;
}

export interface RowsToPad {
  readonly input_ids: readonly (readonly number[])[];
  readonly attention_mask?: readonly (readonly number[])[];
}

/** Settings that replace those of the files. */
export interface TokenizerOptions {
  readonly bos_token?: string;
  readonly eos_token?: string;
  readonly pad_token?: string;
  readonly unk_token?: string;
  readonly padding_side?: Side;
  readonly truncation_side?: Side;
  readonly model_max_length?: number;
  readonly chat_template?: string;
}

export const TOKENIZER_OPTIONS: Readonly<Record<keyof TokenizerOptions, Check>> = {
  bos_token: textCheck,
  eos_token: textCheck,
  pad_token: textCheck,
  unk_token: textCheck,
  padding_side: side,
  truncation_side: side,
  model_max_length: size,
  chat_template: textCheck,
};

/** Reads tokenizer.json, tokenizer_config.json and, where they are there, special_tokens_map.json and chat templates. */
export async function loadTokenizer(files: ModelFiles, options: TokenizerOptions = {}): Promise<Tokenizer> {
  checkOptions(options, TOKENIZER_OPTIONS, "loadTokenizer");
  const json = await readJson(files, "tokenizer.json");
  if (!json)
    throw new FusewireError(
      `${hasNo(files, "tokenizer.json")}; download it from the model's page, or write it with save_pretrained of a fast tokenizer`,
    );
  const config = { ...settingsOf(json), ...(await readJson(files, "tokenizer_config.json")) };
  const map = await readJson(files, "special_tokens_map.json");
  // A copy without undefined, which would hide the values of the file.
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const special = readSpecialTokens({ ...config, ...given }, map && { ...map, ...given });
  return createTokenizer(
    createBackend(json, config, special),
    special,
    readDefaults({ ...config, ...given }, isJsonObject(json.model) && json.model.type === "BPE"),
    options.chat_template === undefined
      ? await readChatTemplates(files, config)
      : { default: options.chat_template },
  );
}

/** Padding and truncation that tokenizer.json itself keeps, under the names of tokenizer_config.json. */
function settingsOf({ padding, truncation }: JsonObject): JsonObject {
  const side = (part: JsonObject) => String(part.direction).toLowerCase();
  return {
    ...(isJsonObject(padding) && { padding_side: side(padding), pad_token: padding.pad_token ?? null }),
    ...(isJsonObject(truncation) && { truncation_side: side(truncation) }),
  };
}

const FORCED_CLEAN_UP = "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output";

interface Settings extends Defaults {
  readonly cleanUp: boolean;
  /** Whether asking for the clean-up has an effect. */
  readonly mayCleanUp: boolean;
  readonly controlNames: readonly string[] | undefined;
}

function readDefaults(config: JsonObject, isBpe: boolean): Settings {
  const sideOf = (key: string): Side => {
    const value = config[key] ?? "right";
    if (value === "left" || value === "right") return value;
    throw new FusewireError(
      `'${key}' of tokenizer_config.json is ${kindOf(value)}, expected "left" or "right"; correct it`,
    );
  };
  const limit = config.model_max_length ?? Number.POSITIVE_INFINITY;
  // Files write -1 where there is no limit.
  if (typeof limit !== "number" || (limit < 1 && limit !== -1))
    throw new FusewireError(
      `'model_max_length' of tokenizer_config.json is ${kindOf(limit)}, expected an integer >= 1; correct it`,
    );
  return {
    padding_side: sideOf("padding_side"),
    truncation_side: sideOf("truncation_side"),
    // transformers writes a number near 1e30 where there is no limit.
    model_max_length: Number.isSafeInteger(limit) && limit > 0 ? limit : Number.POSITIVE_INFINITY,
    split_special_tokens: config.split_special_tokens === true,
    cleanUp: config.clean_up_tokenization_spaces === true,
    // The clean-up was made for WordPiece; of a BPE text it would take spaces that belong there.
    mayCleanUp: !isBpe || config[FORCED_CLEAN_UP] === true,
    controlNames: Array.isArray(config.chat_control_tokens)
      ? config.chat_control_tokens.map(String)
      : undefined,
  };
}

function createTokenizer(
  backend: Backend,
  special: SpecialTokens,
  files: Settings,
  templates: ChatTemplates,
): Tokenizer {
  // What a program may set: calls read it as it is then.
  const settings = { ...files };
  let padToken = special.named.pad_token;
  const token = (name: SpecialName): string | undefined =>
    name === "pad_token" ? padToken : special.named[name];
  const id = (name: SpecialName): number | undefined => {
    const content = token(name);
    return content === undefined ? undefined : backend.tokenToId(content);
  };
  const allSpecial = [...new Set([...Object.values(special.named), ...special.extra])];

  const padId = (): number => {
    const found = id("pad_token");
    if (found !== undefined) return found;
    const example = token("eos_token") ?? "<pad>";
    throw new FusewireError(
      `padding needs a pad token, and this tokenizer has none; set tokenizer.pad_token = ${JSON.stringify(example)}, or load it with { pad_token: ${JSON.stringify(example)} }`,
    );
  };

  function call(text: string | readonly string[], options: EncodeOptions = {}): Encoding {
    const plan = planEncoding(options, settings);
    if (plan.strategy !== "none") padId();
    const texts = Array.isArray(text) ? text : [text];
    return joinRows(
      texts.map((one: unknown) => encodeRow(backend, textOf(one), plan)),
      plan,
      padId,
    );
  }

  function decode(ids: number | ArrayLike<number>, options: DecodeOptions = {}): string {
    checkOptions(options, DECODE_CHECKS, "decode");
    const list = Array.from(typeof ids === "number" ? [ids] : ids);
    for (const one of list) {
      if (!Number.isSafeInteger(one) || one < 0)
        throw new FusewireError(
          `cannot decode ${one}: token ids are integers >= 0; leave out labels such as -100`,
        );
    }
    const kept = options.skip_special_tokens ? list.filter((one) => !backend.skipped.has(one)) : list;
    const cleanUp = options.clean_up_tokenization_spaces ?? settings.cleanUp;
    return backend.decode(kept, cleanUp && settings.mayCleanUp);
  }

  const fixed = {
    encode: (text: string, options?: EncodeOptions) => call(text, options).input_ids[0] ?? [],
    decode,
    batch_decode: (rows: readonly ArrayLike<number>[], options?: DecodeOptions) =>
      rows.map((row) => decode(row, options)),
    pad(encoding: RowsToPad, options: PadOptions = {}) {
      const plan = planPadding({ ...options, padding: options.padding ?? true }, settings);
      const { input_ids: rows, attention_mask: masks = rows.map((row) => row.map(() => 1)) } = encoding;
      if (masks.length !== rows.length || masks.some((mask, i) => mask.length !== rows[i]?.length))
        throw new FusewireError(
          "attention_mask of pad does not have the shape of input_ids; give one mask a row",
        );
      const copy = {
        input_ids: rows.map((row) => [...row]),
        attention_mask: masks.map((mask) => [...mask]),
      };
      return plan.strategy === "none" ? copy : padEncoding(copy, plan, padId());
    },
    apply_chat_template: createChat({
      backend,
      special,
      templates,
      defaults: settings,
      controlNames: settings.controlNames,
      padId,
    }),
    chat_template: Object.keys(templates).every((name) => name === "default") ? templates.default : templates,
    convert_tokens_to_ids: backend.tokenToId,
    convert_ids_to_tokens: backend.writtenToken,
    token_bytes: backend.tokenBytes,
    bos_token: token("bos_token"),
    eos_token: token("eos_token"),
    unk_token: token("unk_token"),
    bos_token_id: id("bos_token"),
    eos_token_id: id("eos_token"),
    unk_token_id: id("unk_token"),
    all_special_tokens: allSpecial,
    all_special_ids: allSpecial
      .map((content) => backend.tokenToId(content))
      .filter((one) => one !== undefined),
    vocab_size: backend.vocabSize,
    size_with_added_tokens: backend.sizeWithAddedTokens,
    clean_up_tokenization_spaces: settings.cleanUp && settings.mayCleanUp,
  };

  /** A property that a program may set; `check` refuses what it cannot be. */
  const setting = <K extends "padding_side" | "truncation_side" | "model_max_length">(name: K) => ({
    enumerable: true,
    get: () => settings[name],
    set(value: Settings[K]) {
      checkOptions({ [name]: value }, TOKENIZER_OPTIONS, "tokenizer");
      settings[name] = value;
    },
  });
  const setPadToken = (value: string | undefined): void => {
    if (value !== undefined && backend.tokenToId(value) === undefined)
      throw new FusewireError(
        `pad_token ${JSON.stringify(value)} is not in the vocabulary; take a token that is, such as ${JSON.stringify(token("eos_token") ?? backend.idToToken(0))}`,
      );
    padToken = value;
  };
  return Object.defineProperties(Object.assign(call, fixed), {
    pad_token: { enumerable: true, get: () => padToken, set: setPadToken },
    pad_token_id: {
      enumerable: true,
      get: () => id("pad_token"),
      set(value: number | undefined) {
        const content = value === undefined ? undefined : backend.idToToken(value);
        if (value !== undefined && content === undefined)
          throw new FusewireError(`pad_token_id ${value} is no token of the vocabulary; take one that is`);
        setPadToken(content);
      },
    },
    padding_side: setting("padding_side"),
    truncation_side: setting("truncation_side"),
    model_max_length: setting("model_max_length"),
  }) as unknown as Tokenizer;
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  throw new FusewireError(`cannot tokenize ${kindOf(value)}; give a text or a list of texts`);
}
