/** Texts to be summed up, from which a summary takes its words, and how each begins. */
const PARAGRAPHS = [
  [
    "The harbour of Lindesand was built in 1871, when the herring came close to the coast every autumn. Two hundred boats lay there in good years. After the herring had gone, in 1902, most families moved to the town, and the harbour filled with sand. In 1954 the council of Lindesand dredged the harbour and built a pier of granite, sixty metres long. Since then the ferry to the island of Store Holm has left from the pier three times a day. The old boat houses are a museum now, which is open from May to September.",
    "The harbour of Lindesand was built in 1871, when the herring",
  ],
  [
    "The clock in the tower of Saint Ansgar was made by Peter Winther in 1768. It has four wheels of iron and a pendulum that is three metres long. For a hundred years the sexton climbed the ninety steps every morning to wind it. In 1889 lightning struck the tower, and the clock stood still for eleven years. A watchmaker from the next town repaired it without asking for money, because his grandfather had been the apprentice of Peter Winther. Today an electric motor winds the clock, but the pendulum is still the old one.",
    "The clock in the tower of Saint Ansgar was made by Peter",
  ],
  [
    "The library of the Mill Street school lends tools as well as books. It began in 2009, when a teacher left a box of old hammers beside the door. Parents brought saws, drills and ladders, and soon the tools filled a room of their own. A tool may be kept for a week, and whoever breaks one repairs it together with the caretaker on Saturday. Last year the library lent four thousand books and two thousand tools. The most wanted tool is a large wheelbarrow, for which there is a list of names.",
    "The library of the Mill Street school lends tools as well",
  ],
] as const;

export const TEXTS: readonly string[] = PARAGRAPHS.map(
  ([paragraph, beginning]) => `Text: ${paragraph}

Sum up the text in its own words, sentence by sentence.

Summary: ${beginning}`,
);
