import { FusewireError } from "@fusewire/ir";
import type { JsonValue } from "../../files/index.ts";
import { rowScales } from "../blocks.ts";
import { e4m3 } from "../float8.ts";
import { endingWith, type FormatContext, type QuantizedFormat } from "../format.ts";
import { demand, unpacked } from "../packed.ts";
import { readBytes, shapeOf } from "../raw.ts";

function blockSize(value: JsonValue | undefined): readonly [number, number] {
  const [rows, columns] = Array.isArray(value) ? value : [128, 128];
  const isCount = (size: unknown): size is number => Number.isSafeInteger(size) && (size as number) > 0;
  if (isCount(rows) && isCount(columns)) return [rows, columns];
  throw new FusewireError(
    `quantization_config of config.json: weight_block_size is ${JSON.stringify(value)}, expected two sizes`,
  );
}

/** Fine-grained FP8 (DeepSeek-V3): float8 e4m3 with a scale a block of the matrix, `weight_scale_inv`. */
export const fp8: QuantizedFormat = {
  method: "fp8",
  async weights({ checkpoint, settings }: FormatContext) {
    const block = blockSize(settings.weight_block_size ?? undefined);
    return endingWith(checkpoint, ".weight_scale_inv").map((base) => {
      const [weight, scales] = [`${base}.weight`, `${base}.weight_scale_inv`];
      const entry = checkpoint.entry(weight);
      demand(
        entry?.storedDtype === "F8_E4M3" && entry.shape.length === 2,
        `'${weight}' is ${entry?.storedDtype ?? "missing"}, but has scales of float8 (F8_E4M3)`,
      );
      const shape = shapeOf(checkpoint, weight) as readonly [number, number];
      return {
        name: weight,
        shape,
        parts: [
          weight,
          scales,
          ...[`${base}.input_scale`, `${base}.activation_scale`].filter((name) => checkpoint.entry(name)),
        ],
        async read() {
          const own = rowScales(await checkpoint.read(scales), shape, block, `'${weight}'`);
          return unpacked({
            layout: e4m3(own.group),
            codes: await readBytes(checkpoint, weight),
            scales: own.scales,
          });
        },
      };
    });
  },
};
