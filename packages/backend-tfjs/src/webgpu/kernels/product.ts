import type { RowClass } from "@fusewire/passes";
import type { Plan } from "../wgsl/launch.ts";
import type { Variant } from "./kernel.ts";
import type { Product } from "./product_frame.ts";
import { productLines } from "./product_lines.ts";
import { productTiles, takesTiles } from "./product_tiles.ts";

/** A product as the class of work wants it: chunks of prompts in tiles, few rows line by line. */
export const productPlan = (product: Product, rows: RowClass, variant: Variant): Plan => ({
  launches: [
    rows === "chunk" && variant.chunks === "tiles" && takesTiles(product)
      ? productTiles(product)
      : productLines(product, variant),
  ],
});
