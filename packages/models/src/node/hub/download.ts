import { constants } from "node:fs";
import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { FusewireError } from "@fusewire/ir";
import {
  type Answer,
  fileUrl,
  type HubClient,
  type HubFile,
  type HubProgress,
  send,
  transientError,
  withRetries,
} from "../../hub/index.ts";
import { assertSpace, diskError } from "./disk.ts";
import { hasHash } from "./hash.ts";
import { commitPartial, partialPath, type RepoStore, readNote, writeNote } from "./store.ts";

/** Tells what happens to one file: `status` and the bytes that are there. */
export type Report = (status: HubProgress["status"], loaded: number) => void;

interface Partial {
  readonly handle: FileHandle;
  readonly file: HubFile;
  /** Bytes written, from the file's start. */
  have: number;
  /** The entity tag of the answer that they came from. */
  etag: string | undefined;
}

/**
 * Downloads one blob: goes on where a partial file ends, checks the hash, and only then gives it its name. Bytes that
 * do not have the hash are fetched once more from the start, for the fault may lie in what an earlier run left.
 * What is hashed is the file as it is on the disk, not the bytes as they passed: other programs may have written to it.
 */
export async function downloadBlob(
  client: HubClient,
  store: RepoStore,
  commit: string,
  file: HubFile,
  report: Report,
): Promise<void> {
  const path = partialPath(store, file.hash);
  const isRight = async (handle: FileHandle) =>
    (await handle.stat()).size === file.size &&
    (await hasHash(handle, file.size, file.hash, (n) => report("verify", n), client.signal));
  try {
    await mkdir(dirname(path), { recursive: true });
    // Neither truncates what is there nor appends: every byte is written to its own place.
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o666);
    try {
      const partial = await resume(handle, file, store);
      await assertSpace(dirname(path), file.size - partial.have, file.name);
      await fill(client, store, commit, partial, report);
      if (!(await isRight(handle))) {
        await restart(partial);
        await fill(client, store, commit, partial, report);
        if (!(await isRight(handle))) {
          await rm(path, { force: true });
          throw wrongHash(client, file);
        }
      }
      // On the disk before it has its name: a power cut must not leave a blob with holes.
      await handle.sync();
    } finally {
      await handle.close();
    }
    await commitPartial(store, file.hash);
  } catch (error) {
    throw diskError(path, error);
  }
}

async function resume(handle: FileHandle, file: HubFile, store: RepoStore): Promise<Partial> {
  const { size } = await handle.stat();
  const { etag } = await readNote(store, file.hash);
  const partial: Partial = { handle, file, have: size, etag };
  if (size > file.size) await restart(partial);
  return partial;
}

async function restart(partial: Partial): Promise<void> {
  await partial.handle.truncate(0);
  partial.have = 0;
  partial.etag = undefined;
}

async function fill(
  client: HubClient,
  store: RepoStore,
  commit: string,
  partial: Partial,
  report: Report,
): Promise<void> {
  const { file } = partial;
  // A server that ignores ranges and cuts each answer would otherwise look like progress for ever.
  let best = partial.have;
  await withRetries(client, async (progressed) => {
    if (partial.have === file.size) return;
    const answer = await send(client, fileUrl(client, commit, file.name), rangeHeaders(partial), file.name);
    await alignTo(answer, partial);
    const etag = strongTag(answer);
    if (etag !== partial.etag) {
      partial.etag = etag;
      await writeNote(store, file.hash, etag === undefined ? {} : { etag });
    }
    report("download", partial.have);
    for await (const chunk of answer.chunks) {
      if (partial.have + chunk.byteLength > file.size) throw tooLong(client, file);
      await writeFully(partial.handle, chunk, partial.have);
      partial.have += chunk.byteLength;
      if (partial.have > best) {
        best = partial.have;
        progressed();
      }
      report("download", partial.have);
    }
    if (partial.have < file.size)
      throw transientError(`the answer ended after ${partial.have} of ${file.size} bytes`);
  });
}

// Compressed answers would make offsets meaningless.
const rangeHeaders = ({ have, etag }: Partial): Record<string, string> => ({
  "accept-encoding": "identity",
  ...(have === 0 ? {} : { range: `bytes=${have}-` }),
  ...(have === 0 || etag === undefined ? {} : { "if-range": etag }),
});

/** Makes the partial file end where the answer begins: all of it is dropped for a server that sends the whole. */
async function alignTo(answer: Answer, partial: Partial): Promise<void> {
  if (partial.have === 0) return;
  const starts = answer.status === 206 ? contentStart(answer.headers) : 0;
  if (starts === partial.have) return;
  if (starts === 0) return restart(partial);
  await answer.discard();
  throw new FusewireError(
    `the server sent bytes from ${starts ?? "an unknown place"} of ${partial.file.name} where those from ${partial.have} were asked; check the endpoint or the proxy`,
  );
}

const contentStart = (headers: Headers): number | undefined => {
  const start = /^bytes (\d+)-/.exec(headers.get("content-range") ?? "")?.[1];
  return start === undefined ? undefined : Number(start);
};

/** Only a strong entity tag promises that ranges belong together. */
const strongTag = (answer: Answer): string | undefined => {
  const etag = answer.headers.get("etag");
  return etag?.startsWith('"') ? etag : undefined;
};

async function writeFully(handle: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  let done = 0;
  while (done < bytes.byteLength) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.byteLength - done, at + done);
    done += bytesWritten;
  }
}

const tooLong = (client: HubClient, file: HubFile): FusewireError =>
  new FusewireError(
    `${file.name} of '${client.name}' is longer than the ${file.size} bytes that the hub states; check the endpoint or the proxy`,
  );

const wrongHash = (client: HubClient, file: HubFile): FusewireError =>
  new FusewireError(
    `${file.name} of '${client.name}' does not have the hash that the hub states, downloaded twice; nothing was kept: check the endpoint ${client.endpoint} or the proxy`,
  );
