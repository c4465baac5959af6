import { FusewireError, fromF16, toF16 } from "@fusewire/ir";
import { assertRange, type ByteSource, hasNo, type JsonObject, type ModelFiles } from "../files/index.ts";
import { architectureOf, configOf } from "./config.ts";
import { type GgufHeader, type GgufTensor, readHeader } from "./header.ts";
import { type Architecture, nameOf } from "./names.ts";
import { tokenizerOf } from "./tokenizer.ts";

/** A tensor of the safetensors file that a GGUF file is shown as. */
interface Shown {
  readonly name: string;
  readonly tensor: GgufTensor;
  /** Of which file, where there are several. */
  readonly part: number;
  readonly dtype: "F32" | "F16" | "BF16";
  readonly bytes: number;
  /** What is taken off each number. */
  readonly shift: number;
  /** Rows of a head whose neighbours are pairs, where the graph pairs its halves. */
  readonly paired: number | undefined;
}

/**
 * A GGUF file, or the parts of one, as the files of a Hugging Face model: config, tokenizer and weights under the
 * names and in the order of rows that transformers has. Packed numbers become f32 while they are read.
 */
export async function ggufFiles(files: ModelFiles, file: string): Promise<ModelFiles> {
  const parts = partNames(file);
  const headers: GgufHeader[] = [];
  for (const part of parts) {
    const source = await openPart(files, part);
    try {
      headers.push(await readHeader(source, part));
    } finally {
      await source.close();
    }
  }
  const { metadata } = headers[0]!;
  const tensors = new Map(headers.flatMap((header) => [...header.tensors]));
  const header = { metadata, tensors };
  const config = configOf(header, file);
  const [, architecture] = architectureOf(header, file);
  const shown = headers.flatMap((own, k) => shownTensors(own, k, architecture, config, file));
  const { tokenizer, config: settings } = tokenizerOf(header, file);
  const { bos_token_id, eos_token_id, pad_token_id } = config;
  const json: Readonly<Record<string, JsonObject>> = {
    "config.json": config,
    "generation_config.json": Object.fromEntries(
      Object.entries({ bos_token_id, eos_token_id, pad_token_id }).filter(([, id]) => id !== undefined),
    ) as JsonObject,
    "tokenizer.json": tokenizer,
    "tokenizer_config.json": settings,
  };
  return {
    location: `'${file}' of ${files.location}`,
    async open(name) {
      if (name === "model.safetensors")
        return weightsSource(shown, await Promise.all(parts.map((part) => openPart(files, part))), file);
      return Object.hasOwn(json, name) ? bytesSource(encode(json[name]!), name) : undefined;
    },
    list: async () => [],
    ...(files.notices && { notices: () => files.notices!() }),
  };
}

async function openPart(files: ModelFiles, part: string): Promise<ByteSource> {
  const source = await files.open(part);
  if (source) return source;
  throw new FusewireError(`${hasNo(files, part)}; give the name of a GGUF file that is there`);
}

/** `x-00001-of-00003.gguf` is three files; the first one has the metadata. */
function partNames(file: string): readonly string[] {
  const match = /^(.*-)(\d{5})-of-(\d{5})\.gguf$/.exec(file);
  if (!match) return [file];
  const count = Number(match[3]);
  return Array.from(
    { length: count },
    (_, k) => `${match[1]}${String(k + 1).padStart(5, "0")}-of-${match[3]}.gguf`,
  );
}

const encode = (value: JsonObject): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

function bytesSource(bytes: Uint8Array, name: string): ByteSource {
  return {
    size: bytes.length,
    async read(offset, length) {
      assertRange(name, bytes.length, offset, length);
      return bytes.subarray(offset, offset + length);
    },
    async close() {},
  };
}

function shownTensors(
  { tensors }: GgufHeader,
  part: number,
  architecture: Architecture,
  config: JsonObject,
  file: string,
): Shown[] {
  const heads = { q_proj: config.num_attention_heads, k_proj: config.num_key_value_heads };
  return [...tensors].map(([own, tensor]) => {
    const name = nameOf(own, architecture);
    if (name === undefined)
      throw new FusewireError(`${file} has the tensor '${own}', which this family is not known to have`);
    const module = name.split(".").at(-2);
    const count = module === "q_proj" || module === "k_proj" ? heads[module] : undefined;
    const isPaired = architecture.paired === true && typeof count === "number";
    const dtype = tensor.type.decode ? "F32" : (tensor.type.name as Shown["dtype"]);
    const elements = tensor.shape.reduce((product, size) => product * size, 1);
    return {
      ...{ name, tensor, part, dtype },
      bytes: elements * (dtype === "F32" ? 4 : 2),
      shift: architecture.shifted === true && name.endsWith("norm.weight") ? 1 : 0,
      paired: isPaired ? tensor.shape[0]! / count : undefined,
    };
  });
}

/** A safetensors file whose header lists the tensors, and whose bytes are made when they are read. */
function weightsSource(shown: readonly Shown[], sources: readonly ByteSource[], file: string): ByteSource {
  const header: Record<string, JsonObject> = {};
  const places: { readonly tensor: Shown; readonly begin: number }[] = [];
  let end = 0;
  for (const tensor of shown) {
    places.push({ tensor, begin: end });
    const data_offsets = [end, end + tensor.bytes];
    header[tensor.name] = { dtype: tensor.dtype, shape: [...tensor.tensor.shape], data_offsets };
    end += tensor.bytes;
  }
  const text = encode(header);
  const prefix = new Uint8Array(8 + text.length);
  new DataView(prefix.buffer).setBigUint64(0, BigInt(text.length), true);
  prefix.set(text, 8);
  const size = prefix.length + end;
  return {
    size,
    async read(offset, length) {
      assertRange(file, size, offset, length);
      const out = new Uint8Array(length);
      const copy = (bytes: Uint8Array, begin: number) => {
        const from = Math.max(0, offset - begin);
        const piece = bytes.subarray(from, Math.max(from, Math.min(bytes.length, offset + length - begin)));
        out.set(piece, begin + from - offset);
      };
      if (offset < prefix.length) copy(prefix, 0);
      for (const { tensor, begin } of places) {
        const from = offset - prefix.length - begin;
        if (from >= tensor.bytes || from + length <= 0) continue;
        const row = tensor.bytes / (tensor.tensor.shape[0] ?? 1);
        const first = Math.max(0, Math.floor(from / row));
        const last = Math.min(tensor.bytes / row, Math.ceil((from + length) / row));
        copy(await readRows(tensor, sources[tensor.part]!, first, last), prefix.length + begin + first * row);
      }
      return out;
    },
    async close() {
      await Promise.all(sources.map((source) => source.close()));
    },
  };
}

/** The bytes of some rows of a tensor, as safetensors would have them. */
async function readRows(shown: Shown, source: ByteSource, first: number, last: number): Promise<Uint8Array> {
  const { tensor, paired, shift } = shown;
  const row = tensor.bytes / (tensor.shape[0] ?? 1);
  if (paired === undefined) {
    const stored = await source.read(tensor.begin + first * row, (last - first) * row);
    return shifted(decoded(stored, shown), shift, shown);
  }
  // Whole heads, of which the rows that were asked for are picked.
  const begin = Math.floor(first / paired) * paired;
  const end = Math.ceil(last / paired) * paired;
  const heads = decoded(await source.read(tensor.begin + begin * row, (end - begin) * row), shown);
  const width = heads.length / (end - begin);
  const out = new Uint8Array((last - first) * width);
  for (let k = first; k < last; k++) {
    const place = k % paired;
    const half = paired / 2;
    const from = k - place + 2 * (place % half) + Math.floor(place / half) - begin;
    out.set(heads.subarray(from * width, (from + 1) * width), (k - first) * width);
  }
  return out;
}

/** Stored bytes as floats: those of blocks in f32, others as they are. */
function decoded(stored: Uint8Array, { tensor: { type } }: Shown): Uint8Array {
  const { decode, size, bytes } = type;
  if (!decode) return stored;
  const count = stored.length / bytes;
  const out = new Float32Array(count * size);
  for (let block = 0; block < count; block++)
    decode(new DataView(stored.buffer, stored.byteOffset + block * bytes, bytes), out, block * size);
  return new Uint8Array(out.buffer);
}

function shifted(bytes: Uint8Array, shift: number, { dtype, name }: Shown): Uint8Array {
  if (shift === 0) return bytes;
  const own = bytes.slice();
  if (dtype === "F32") {
    const numbers = new Float32Array(own.buffer);
    for (let k = 0; k < numbers.length; k++) numbers[k] = numbers[k]! - shift;
  } else if (dtype === "F16") {
    const words = new Uint16Array(own.buffer);
    for (let k = 0; k < words.length; k++) words[k] = toF16(fromF16(words[k]!) - shift);
  } else
    throw new FusewireError(`'${name}' is ${dtype}, in which a norm is not kept; convert the file again`);
  return own;
}
