import type { Filters } from "./filter.ts";
import { NUMBER_FILTERS } from "./numbers.ts";
import { ORDER_FILTERS } from "./order.ts";
import { SELECTION_FILTERS } from "./selection.ts";
import { SEQUENCE_FILTERS } from "./sequences.ts";
import { TEXT_FILTERS } from "./texts.ts";
import { VALUE_FILTERS } from "./values.ts";

const notBuilt = (name: string, why: string): readonly [string, string] => [
  name,
  `the filter '${name}' is not built: ${why}`,
];

/** jinja2's filters, and `tojson` as transformers has it. */
export const FILTERS: Filters = {
  ...VALUE_FILTERS,
  ...NUMBER_FILTERS,
  ...TEXT_FILTERS,
  ...SEQUENCE_FILTERS,
  ...SELECTION_FILTERS,
  ...ORDER_FILTERS,
  ...Object.fromEntries([
    notBuilt("random", "the same chat must give the same text"),
    notBuilt("pprint", "it lays text out for people"),
    notBuilt("filesizeformat", "it lays text out for people"),
    notBuilt("urlize", "it writes HTML"),
    notBuilt("xmlattr", "it writes HTML"),
  ]),
};
