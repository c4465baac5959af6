import { sizeOf, type TensorType } from "@fusewire/ir";
import type { Binding, Launch, Memory } from "./launch.ts";
import {
  loadExpression,
  nibbleExpression,
  ROUNDING,
  type StoredType,
  valueType,
  wordType,
} from "./storage.ts";

/** A tensor that shader code reads. */
export interface Source {
  readonly type: StoredType;
  /** The name of its buffer. */
  readonly name: string;
  /** An expression for the element at a flat index. */
  at(index: string): string;
}

/** Code of one launch while it is written. Numbers that vary between sizes of one model go through `size`. */
export interface Shader {
  /** Binds an input of the step. */
  read(index: number, type: StoredType): Source;
  /** Binds other memory; `declared` is the type of the buffer, such as `array<f32>`. */
  bind(memory: Memory, access: Binding["access"], name: string, declared: string): void;
  /** An expression for a u32 that the host sets. */
  size(value: number): string;
  /** An expression for an f32 that the host sets. */
  float(value: number): string;
  /** Adds declarations at module level, once each. */
  declare(text: string): void;
  /** Uses an extension of the language, such as `subgroups`, once for all. */
  enable(extension: string): void;
  /** The finished launch. */
  launch(main: {
    readonly workgroup: number;
    readonly groups: Launch["groups"];
    readonly body: string;
  }): Launch;
}

const scratch = new DataView(new ArrayBuffer(4));
function floatBits(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getUint32(0);
}

export function createShader(): Shader {
  const bindings: (Binding & { readonly name: string; readonly declared: string })[] = [];
  const sizes: number[] = [];
  const declarations = new Set<string>();
  const extensions = new Set<string>();
  const shader: Shader = {
    read(index, type) {
      const name = `x${index}`;
      if (!bindings.some((bound) => bound.name === name))
        shader.bind({ kind: "read", index }, "read", name, `array<${wordType(type.dtype)}>`);
      return {
        type,
        name,
        at: (i) => (type.packed ? nibbleExpression(name, i) : loadExpression(type.dtype, name, i)),
      };
    },
    bind(memory, access, name, declared) {
      bindings.push({ memory, access, name, declared });
    },
    size(value) {
      return `sizes.v${sizes.push(value) - 1}`;
    },
    float: (value) => `bitcast<f32>(${shader.size(floatBits(value))})`,
    declare: (text) => void declarations.add(text),
    enable: (extension) => void extensions.add(extension),
    launch({ workgroup, groups, body }) {
      const fields = sizes.map((_, k) => `v${k}: u32`).join(", ");
      const code = [
        ...[...extensions].map((name) => `enable ${name};`),
        ...bindings.map(
          ({ access, name, declared }, k) =>
            `@group(0) @binding(${k}) var<storage, ${access}> ${name}: ${declared};`,
        ),
        ...(sizes.length > 0
          ? [
              `struct Sizes { ${fields} }`,
              `@group(0) @binding(${bindings.length}) var<uniform> sizes: Sizes;`,
            ]
          : []),
        ...declarations,
        `@compute @workgroup_size(${workgroup})`,
        "fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {",
        body,
        "}",
      ].join("\n");
      return {
        code,
        bindings: bindings.map(({ memory, access }) => ({ memory, access })),
        sizes: [...sizes],
        groups,
      };
    },
  };
  return shader;
}

/** Workgroups in rows of at most as many as one dimension takes; code finds its number by GROUP_NUMBER. */
export function gridOf(count: number): Launch["groups"] {
  const rows = Math.ceil(count / 65535);
  return [Math.ceil(count / rows), rows, 1];
}

/** The number of a workgroup in a grid made by `gridOf`; there may be a few more than were asked for. */
export const GROUP_NUMBER = "(group.y * groups.x + group.x)";

/** Binds the result as words that are written whole. */
export function bindResult(
  shader: Shader,
  { dtype }: TensorType,
  access: Binding["access"] = "read_write",
): void {
  const rounding = ROUNDING[dtype];
  if (rounding) shader.declare(rounding);
  shader.bind({ kind: "write" }, access, "y", `array<${wordType(dtype)}>`);
}

/** The type of one element in shader code. */
export const elementType = ({ dtype }: TensorType): string => valueType(dtype);

export const elementsOf = (type: TensorType): number => sizeOf(type.shape);

/** An f32 that is not finite: WGSL has no literal for it and refuses to compute it while compiling. */
export function nonFinite(shader: Shader, value: number): string {
  const name = Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "negative_inf";
  shader.declare(`var<private> ${name}_bits: u32 = ${floatBits(value)}u;`);
  return `bitcast<f32>(${name}_bits)`;
}

/** A number as an f32 in shader code, exact to the bit. */
export function floatLiteral(shader: Shader, value: number): string {
  if (!Number.isFinite(Math.fround(value))) return nonFinite(shader, Math.fround(value));
  if (Object.is(value, -0)) return "bitcast<f32>(0x80000000u)";
  const text = Math.fround(value).toString();
  return `f32(${/[.e]/.test(text) ? text : `${text}.0`})`;
}
