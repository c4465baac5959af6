/** A model whose files are on this machine. */
export interface CachedModel {
  /** `owner/name` for models of the hub, else the address of the folder. */
  readonly name: string;
  /** Bytes on the disk, those of unfinished downloads included. */
  readonly bytes: number;
  readonly lastUsed: Date;
}

/**
 * The files of models that earlier runs have downloaded: in a page the origin-private file system, elsewhere the folder
 * that is shared with Python's huggingface_hub (`HF_HUB_CACHE`).
 */
export interface ModelCache {
  /** All models that were downloaded, the one used last first. */
  list(): Promise<readonly CachedModel[]>;
  /** Deletes one, in all its revisions, and gives what that was. An error that lists the others where there is none. */
  delete(name: string): Promise<CachedModel>;
}
