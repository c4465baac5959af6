/** Every op that multiplies by a stored matrix. */
import type { OpAttrs } from "@fusewire/ir";
import type { Step } from "../wgsl/launch.ts";
import type { Kernel } from "./kernel.ts";
import { productPlan } from "./product.ts";
import type { Product } from "./product_frame.ts";

export const linearKernel: Kernel<"linear"> = (step, variant) =>
  productPlan(linearProduct(step), step.rows, variant);

function linearProduct({ reads, attrs: { activation, bias, residual } }: Step<OpAttrs["linear"]>): Product {
  return {
    types: reads,
    weight: 1,
    bias: bias ? 2 : undefined,
    residual: residual ? reads.length - 1 : undefined,
    activation,
    gated: false,
    norm: undefined,
  };
}

export const gatedLinearKernel: Kernel<"gated_linear"> = (
  { reads, rows, attrs: { activation, bias } },
  variant,
) => {
  const product: Product = {
    types: reads,
    weight: 1,
    bias: bias ? 2 : undefined,
    residual: undefined,
    activation,
    gated: true,
    norm: undefined,
  };
  return productPlan(product, rows, variant);
};

export const denseKernel: Kernel<"dense"> = ({ reads, rows, attrs }, variant) => {
  const { norm, eps, activation, bias, residual, gated } = attrs;
  const weight = norm === "layer" ? 3 : norm === "rms" ? 2 : 1;
  const product: Product = {
    types: reads,
    weight,
    bias: bias ? weight + 1 : undefined,
    residual: residual ? reads.length - 1 : undefined,
    activation,
    gated,
    norm: norm === "rms" || norm === "layer" ? { kind: norm, eps } : undefined,
  };
  return productPlan(product, rows, variant);
};
