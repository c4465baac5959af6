import { lowercase } from "./letters.ts";
import type { NormalizerKind } from "./normalizer.ts";

const CONTROLS = /(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}\ufffd]/gu;
const SPACE = /\p{White_Space}/gu;
/** CJK ideographs. One block ends at U+2B81F and the next begins at U+2B920, as in Hugging Face's library. */
const IDEOGRAPHS =
  /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu;
const ACCENTS = /\p{Mn}/gu;

/** BERT's clean-up of a text. Accents go with lower case unless `strip_accents` says otherwise. */
export const bert: NormalizerKind = (settings) => {
  const { clean_text = true, handle_chinese_chars = true, lowercase: lowers = true } = settings;
  const stripsAccents = settings.strip_accents ?? lowers;
  return {
    type: "BertNormalizer",
    normalize(given) {
      let text = given;
      if (clean_text === true) text = text.replace(CONTROLS, "").replace(SPACE, " ");
      if (handle_chinese_chars === true) text = text.replace(IDEOGRAPHS, " $& ");
      if (stripsAccents === true) text = text.normalize("NFD").replace(ACCENTS, "");
      return lowers === true ? lowercase(text) : text;
    },
  };
};
