import type { Readable } from "node:stream";

/** Raised when a store already holds other bytes under a name that may be written once only. */
export class ObjectConflictError extends Error {
  constructor(name: string) {
    super(`the store already holds other bytes under ${name}`);
    this.name = "ObjectConflictError";
  }
}

/** Objects that are complete or absent and never overwritten: a directory, an S3 bucket or a Cloud Storage bucket. */
export interface ObjectStore {
  /**
   * Stores an object; storing the same bytes again is allowed.
   * @throws ObjectConflictError when other bytes are there already.
   */
  putOnce(name: string, bytes: Buffer): Promise<void>;
  /** Content of an object, or null when it is missing. */
  get(name: string): Promise<Buffer | null>;
  /** Content of an object as a stream of bounded blocks; fails when it is missing. */
  stream(name: string): Promise<Readable>;
  /** Names that begin with a prefix, sorted. */
  list(prefix: string): Promise<string[]>;
  /** Removes an object; removing a missing one is allowed. */
  remove(name: string): Promise<void>;
}
