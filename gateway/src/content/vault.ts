import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { ContentReference } from "../audit/record.ts";
import { sha256Hex } from "../audit/chain.ts";
import type { ObjectStore } from "../store/object-store.ts";

/** Side of an exchange. */
export type ContentSide = "input" | "output";

/** Settings of a vault. */
export interface VaultSettings {
  /** Where encrypted content goes; it may be immutable. */
  readonly content: ObjectStore;
  /** Where the wrapped keys of the data subjects are; deleting there must be final (no versions, no lock). */
  readonly keys: ObjectStore;
  /** Key that wraps the subjects' keys, 32 bytes. */
  readonly master: Buffer;
  /** Clock in milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** Raised when content cannot be read. */
export class ContentUnreadableError extends Error {
  /** `erased`: the key was destroyed; the others are faults. */
  readonly reason: "missing" | "erased" | "changed";

  constructor(object: string, reason: ContentUnreadableError["reason"]) {
    super(`${object}: the content is ${reason}`);
    this.name = "ContentUnreadableError";
    this.reason = reason;
  }
}

/** Raised when the content of a call that must be kept could not be. */
export class ContentNotKeptError extends Error {
  constructor(cause: unknown) {
    super("the content cannot be kept", { cause });
    this.name = "ContentNotKeptError";
  }
}

interface SubjectKey {
  readonly id: string;
  readonly bytes: Buffer;
  readonly until: number;
}

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** A key destroyed by another replica is used at most this long, for content that nobody can read any more. */
const KEY_TTL_MS = 60_000;
const MAX_KEYS = 10_000;

function encrypt(key: Buffer, name: string, plain: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(name));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Buffer, name: string, sealed: Buffer): Buffer | null {
  const nonce = sealed.subarray(0, NONCE_BYTES);
  const tag = sealed.subarray(sealed.length - TAG_BYTES);
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(name)).setAuthTag(tag);
    return Buffer.concat([
      decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES)),
      decipher.final(),
    ]);
  } catch {
    return null;
  }
}

/**
 * Keeps the content of exchanges encrypted with a key per data subject. Destroying the keys makes the content
 * unreadable for ever, also where it lies in immutable storage (crypto-shredding; GDPR Art. 17).
 */
export class ContentVault {
  readonly #settings: Required<VaultSettings>;
  readonly #keys = new Map<string, SubjectKey>();

  /** @throws RangeError when the master key does not have 32 bytes. */
  constructor(settings: VaultSettings) {
    if (settings.master.length !== KEY_BYTES) throw new RangeError("the master key has 32 bytes");
    this.#settings = { now: Date.now, ...settings };
  }

  /** Encrypts and stores one side of an exchange; it is durable when this resolves. */
  async seal(folder: string, id: string, side: ContentSide, plain: Buffer): Promise<ContentReference> {
    const key = await this.#keyOf(folder);
    const object = `${folder}/${id}.${side}`;
    const sealed = encrypt(key.bytes, object, plain);
    await this.#settings.content.putOnce(object, sealed);
    return { object, sha256: sha256Hex(sealed), key: key.id };
  }

  /**
   * Reads one side of an exchange.
   * @throws ContentUnreadableError when it is missing, changed or its key was destroyed.
   */
  async open(reference: ContentReference): Promise<Buffer> {
    const { object, sha256, key } = reference;
    const sealed = await this.#settings.content.get(object);
    if (sealed === null) throw new ContentUnreadableError(object, "missing");
    if (sha256Hex(sealed) !== sha256) throw new ContentUnreadableError(object, "changed");
    const bytes = await this.#unwrap(`${object.slice(0, object.lastIndexOf("/"))}/${key}`);
    if (bytes === null) throw new ContentUnreadableError(object, "erased");
    const plain = decrypt(bytes, object, sealed);
    if (plain === null) throw new ContentUnreadableError(object, "changed");
    return plain;
  }

  /** Ids of the keys of a data subject. */
  async keyIds(folder: string): Promise<string[]> {
    const names = await this.#settings.keys.list(`${folder}/`);
    return names.map((name) => name.slice(folder.length + 1));
  }

  /** Destroys all keys of a data subject. */
  async erase(folder: string): Promise<void> {
    this.#keys.delete(folder);
    for (const id of await this.keyIds(folder)) await this.#settings.keys.remove(`${folder}/${id}`);
  }

  async #keyOf(folder: string): Promise<SubjectKey> {
    const now = this.#settings.now();
    const known = this.#keys.get(folder);
    if (known !== undefined && known.until > now) return known;
    const key = { ...(await this.#stored(folder)), until: now + KEY_TTL_MS };
    this.#keys.delete(folder);
    this.#keys.set(folder, key);
    const oldest = this.#keys.keys().next();
    if (this.#keys.size > MAX_KEYS && oldest.done !== true) this.#keys.delete(oldest.value);
    return key;
  }

  async #stored(folder: string): Promise<{ id: string; bytes: Buffer }> {
    const { keys, master } = this.#settings;
    for (const id of await this.keyIds(folder)) {
      const bytes = await this.#unwrap(`${folder}/${id}`);
      if (bytes !== null) return { id, bytes };
    }
    const id = randomBytes(8).toString("hex");
    const bytes = randomBytes(KEY_BYTES);
    await keys.putOnce(`${folder}/${id}`, encrypt(master, `${folder}/${id}`, bytes));
    return { id, bytes };
  }

  async #unwrap(name: string): Promise<Buffer | null> {
    const wrapped = await this.#settings.keys.get(name);
    return wrapped === null ? null : decrypt(this.#settings.master, name, wrapped);
  }
}

/** Folder of a data subject, from the tenant and the keyed digest of the subject. */
export function subjectFolder(tenant: string, subject: string): string {
  return `${tenant}/${subject.slice(subject.indexOf(":") + 1)}`;
}
