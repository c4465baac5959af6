import { FusewireError } from "@fusewire/ir";
import { isJsonObject, type ModelFiles, readJson } from "@fusewire/models";

/** Which text each id stands for. */
export interface Vocabulary {
  /** Where the model is from, as messages call it. */
  readonly location: string;
  /** Ids in use and their texts; undefined where the model comes without tokenizer.json. */
  readonly tokens: () => Promise<ReadonlyMap<number, string> | undefined>;
}

/** The vocabulary of a model's tokenizer.json, read when first asked for. */
export function vocabularyOf(files: ModelFiles): Vocabulary {
  let tokens: Promise<ReadonlyMap<number, string> | undefined> | undefined;
  return {
    location: files.location,
    tokens: () => {
      tokens ??= readTokens(files);
      return tokens;
    },
  };
}

async function readTokens(files: ModelFiles): Promise<ReadonlyMap<number, string> | undefined> {
  const json = await readJson(files, "tokenizer.json");
  if (!json || !isJsonObject(json.model)) return undefined;
  const { vocab } = json.model;
  const tokens = new Map<number, string>();
  // BPE and WordPiece map tokens to ids; Unigram lists [token, score].
  if (isJsonObject(vocab)) for (const [token, id] of Object.entries(vocab)) tokens.set(Number(id), token);
  if (Array.isArray(vocab))
    for (const [id, piece] of vocab.entries()) if (Array.isArray(piece)) tokens.set(id, String(piece[0]));
  for (const added of Array.isArray(json.added_tokens) ? json.added_tokens : [])
    if (isJsonObject(added)) tokens.set(Number(added.id), String(added.content));
  return tokens;
}

/** A model that drafts or verifies. */
interface Speaker {
  readonly source: { readonly model: { readonly vocabSize: number } };
  readonly vocabulary: Vocabulary;
}

/** Throws where an id that the assistant drafts would mean another text to the model. */
export async function checkSameTokenizer(model: Speaker, assistant: Speaker): Promise<void> {
  const [own, other] = [model.source.model.vocabSize, assistant.source.model.vocabSize];
  const [location, drafting] = [model.vocabulary.location, assistant.vocabulary.location];
  const refuse = (why: string) => {
    throw new FusewireError(
      `assistant_model ${drafting} ${why}; take an assistant that was trained with the tokenizer of ${location}`,
    );
  };
  if (own !== other) refuse(`has a vocabulary of ${other} tokens, the model ${location} one of ${own}`);
  const [tokens, drafted] = await Promise.all([model.vocabulary.tokens(), assistant.vocabulary.tokens()]);
  if (!tokens || !drafted) return;
  for (const [id, text] of drafted)
    if (tokens.get(id) !== text)
      refuse(
        `has another tokenizer than the model ${location}: token ${id} is ${JSON.stringify(text)} there and ${JSON.stringify(tokens.get(id) ?? null)} here`,
      );
}
