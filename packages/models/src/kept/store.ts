/** Where a browser keeps the files of one model between visits: folders of parts, each of which is whole or not there. */
export interface ModelStore {
  folders(): Promise<readonly string[]>;
  /** The names of the parts in a folder. */
  parts(folder: string): Promise<readonly string[]>;
  read(folder: string, part: string): Promise<Blob | undefined>;
  /** Throws where there is no room. */
  write(folder: string, part: string, bytes: BlobPart): Promise<void>;
  remove(folder: string): Promise<void>;
}

/** Why nothing can be kept between visits. */
export interface NoStore {
  /** For the user; undefined where nobody expects anything to be kept. */
  readonly refused: string | undefined;
}
