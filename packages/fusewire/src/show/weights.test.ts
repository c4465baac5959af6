import { expect, test } from "vitest";
import { fusewire, goldenModel } from "../testing/run.ts";

const show = (name: string, ...flags: string[]) =>
  fusewire("show", "--model", goldenModel(name), "--weights", ...flags);

test("a line a weight says how it is kept, and as what", async () => {
  const { code, stdout, stderr } = await show("gpt2");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const lines = stdout.split("\n");
  expect(lines).toContain("transformer.wte.weight  f32[320,64]  plain");
  expect(lines).toContain(
    "transformer.h.0.attn.k_proj.weight  f32[64,64]  plain, transposed, rows of 'c_attn' (transformer.h.0.attn.c_attn.weight)",
  );
  expect(lines).toContain("transformer.h.1.mlp.c_fc.weight  f32[256,64]  plain, transposed");
});

test("--json has the same as a list", async () => {
  const { stdout } = await show("phi3", "--json");
  expect(JSON.parse(stdout)).toContainEqual({
    weight: "model.layers.0.mlp.up_proj.weight",
    shape: [112, 64],
    dtypes: ["f32"],
    form: "rows of 'gate_up_proj'",
    tensors: ["model.layers.0.mlp.gate_up_proj.weight"],
  });
});
