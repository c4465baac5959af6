/** Takes away spaces before punctuation and English contractions, as transformers does with `clean_up_tokenization_spaces`. */
export function cleanUpSpaces(text: string): string {
  return replaceEach(text, SPACES);
}

/** The clean-up inside decoders: it knows one contraction more. */
export function cleanUpToken(token: string): string {
  return replaceEach(token, SPACES_OF_DECODERS);
}

type Replacement = readonly [from: string, to: string];

const MARKS: readonly Replacement[] = [" .", " ?", " !", " ,"].map((from) => [from, from.slice(1)]);
const BEFORE_NOT: readonly Replacement[] = [
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
];
const ENDINGS: readonly Replacement[] = [" 's", " 've", " 're"].map((from) => [from, from.slice(1)]);
const SPACES = [...MARKS, ...BEFORE_NOT, ...ENDINGS];
const SPACES_OF_DECODERS: readonly Replacement[] = [
  ...MARKS,
  ...BEFORE_NOT,
  [" do not", " don't"],
  ...ENDINGS,
];

const replaceEach = (text: string, replacements: readonly Replacement[]): string =>
  replacements.reduce((done, [from, to]) => done.replaceAll(from, to), text);
