/** A text to be summed up, from which the summary takes its words. */
const PARAGRAPH =
  "The harbour of Lindesand was built in 1871, when the herring came close to the coast every autumn. Two hundred boats lay there in good years. After the herring had gone, in 1902, most families moved to the town, and the harbour filled with sand. In 1954 the council of Lindesand dredged the harbour and built a pier of granite, sixty metres long. Since then the ferry to the island of Store Holm has left from the pier three times a day. The old boat houses are a museum now, which is open from May to September.";

export const TEXT = `Text: ${PARAGRAPH}

Sum up the text in its own words, sentence by sentence.

Summary: The harbour of Lindesand was built in 1871, when the herring`;
