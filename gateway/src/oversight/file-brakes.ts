import { dirname } from "node:path";
import { z } from "zod";
import type { FileLayer } from "../audit/file-layer.ts";
import { brakeSchema } from "./brake-record.ts";
import { brakeName, type Brake, type BrakeStore } from "./brakes.ts";

/** Brakes of a single replica in a file, so that a restart does not lift a stop. */
export class FileBrakes implements BrakeStore {
  readonly #path: string;
  readonly #files: FileLayer;
  #brakes: readonly Brake[] | null = null;

  constructor(path: string, files: FileLayer) {
    this.#path = path;
    this.#files = files;
  }

  /** @throws Error when the file is there and cannot be understood: nobody knows then what is stopped. */
  async read(): Promise<readonly Brake[]> {
    if (this.#brakes !== null) return this.#brakes;
    if ((await this.#files.sizeOf(this.#path)) === null) return [];
    const text = (await this.#files.read(this.#path)).toString("utf8");
    this.#brakes = z.array(brakeSchema).parse(JSON.parse(text));
    return this.#brakes;
  }

  async put(brake: Brake): Promise<void> {
    const others = (await this.read()).filter((each) => brakeName(each) !== brakeName(brake));
    await this.#write([...others, brake]);
  }

  async release(name: string): Promise<void> {
    await this.#write((await this.read()).filter((each) => brakeName(each) !== name));
  }

  async #write(brakes: readonly Brake[]): Promise<void> {
    const next = `${this.#path}.next`;
    const bytes = Buffer.from(JSON.stringify(brakes));
    await this.#files.makeDirectory(dirname(this.#path));
    const file = await this.#files.openForWriting(next);
    try {
      await file.truncate(0);
      await file.write(bytes, 0);
      await file.sync();
    } finally {
      await file.close();
    }
    await this.#files.move(next, this.#path);
    await this.#files.syncDirectory(dirname(this.#path));
    this.#brakes = brakes;
  }
}
