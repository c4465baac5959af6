import { type AttentionKernel, createReferenceEngine } from "@fusewire/passes";
import { describe, expect, test } from "vitest";
import { loadCausalLM } from "../load.ts";
import { tinyModel } from "../testing/tiny_model.ts";
import type { AttentionImplementation } from "./choose.ts";
import { createStack, SDPBackend, sdp_kernel, sdpa_kernel } from "./scope.ts";

const { FLASH_ATTENTION, EFFICIENT_ATTENTION, MATH } = SDPBackend;
const input_ids = [[3, 1, 4, 1, 5]];

/** The tiny model on an interpreter that has these kernels, and a way to see which its last programs run in. */
async function load(
  attention: readonly AttentionKernel[] = [FLASH_ATTENTION, EFFICIENT_ATTENTION],
  attn_implementation?: AttentionImplementation,
) {
  const engine = createReferenceEngine();
  const used: (AttentionKernel | undefined)[] = [];
  const model = await loadCausalLM(tinyModel(), {
    attn_implementation,
    engine: {
      ...engine,
      attention,
      compile(lowered, weights) {
        used.push(lowered.attention);
        return engine.compile(lowered, weights);
      },
    },
  });
  return { model, kernels: () => [...new Set(used.splice(0))] };
}

describe("attn_implementation", () => {
  test("may be changed at run time; each way is compiled once and gives the same tokens", async () => {
    const { model, kernels } = await load();
    const run = async () => (await model.generate({ input_ids }, { max_new_tokens: 8 })).sequences;
    const sdpa = await run();
    expect(kernels()).toEqual([undefined]);
    model.set_attention_implementation("flash_attention_2");
    expect(await run()).toEqual(sdpa);
    expect(kernels()).toEqual([FLASH_ATTENTION]);
    model.set_attention_implementation("eager");
    expect(await run()).toEqual(sdpa);
    expect(kernels()).toEqual([MATH]);
    model.set_attention_implementation("sdpa");
    await run();
    expect(kernels()).toEqual([]);
    expect(model.runtime.programs.compilations.at(-1)!.reason).toMatch(/attention \S+ -> math/);
  });

  test("names what the device lacks, and what there is", async () => {
    await expect(load([], "flash_attention_2")).rejects.toThrow(
      "flash_attention_2 needs a flash attention kernel, which device 'interpreter' lacks (it has math)",
    );
    const { model } = await load();
    expect(() => model.set_attention_implementation("flex" as AttentionImplementation)).toThrow(
      "attn_implementation 'flex' is not supported; choose one of eager, sdpa, flash_attention_2",
    );
  });
});

describe("sdpa_kernel", () => {
  test("takes the first kernel that is allowed and there, after an await too", async () => {
    const { model, kernels } = await load([EFFICIENT_ATTENTION]);
    const generate = async () => {
      await Promise.resolve();
      await model.generate({ input_ids }, { max_new_tokens: 3 });
      return kernels()[0];
    };
    expect(await sdpa_kernel([MATH, FLASH_ATTENTION, EFFICIENT_ATTENTION], generate)).toBe(
      EFFICIENT_ATTENTION,
    );
    expect(await sdpa_kernel([MATH, EFFICIENT_ATTENTION], { set_priority: true }, generate)).toBe(MATH);
    expect(await generate()).toBe(undefined);
  });

  test("is an error that names what is refused when nothing allowed can run", async () => {
    const { model } = await load([EFFICIENT_ATTENTION]);
    const run = () => model.generate({ input_ids });
    await expect(sdp_kernel({ enable_math: false, enable_mem_efficient: false }, run)).rejects.toThrow(
      "sdpa_kernel allows only flash_attention, which device 'interpreter' lacks (it has efficient_attention, math)",
    );
    expect(() => sdpa_kernel([], run)).toThrow("no kernel is allowed");
    expect(() => sdpa_kernel(["cudnn" as AttentionKernel], run)).toThrow(
      "'cudnn' is not one of flash_attention",
    );
  });

  test("does not reach what attends eagerly", async () => {
    const { model, kernels } = await load([FLASH_ATTENTION], "eager");
    await sdpa_kernel(FLASH_ATTENTION, () => model.generate({ input_ids }));
    expect(kernels()).toEqual([MATH]);
  });
});

test("without the host's store, a scope holds until its body has settled", async () => {
  const stack = createStack();
  let finish = () => {};
  const inner = stack.run([MATH], () => new Promise<void>((resolve) => (finish = resolve)));
  expect(stack.current()).toEqual([MATH]);
  expect(stack.run([FLASH_ATTENTION], () => stack.current())).toEqual([FLASH_ATTENTION]);
  expect(stack.current()).toEqual([MATH]);
  finish();
  await inner;
  await Promise.resolve();
  expect(stack.current()).toBeUndefined();
  expect(() =>
    stack.run([MATH], () => {
      throw new Error("inside");
    }),
  ).toThrow("inside");
  expect(stack.current()).toBeUndefined();
});
