import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { canonicalJson } from "../gateway/src/audit/canonical-json.ts";
import { DataSetError, parseCases, type EvalCase } from "./case.ts";

const ROOT = join(import.meta.dirname, "..");

/** Folder of the shipped data sets, from the root of the repository. */
export const SHIPPED_DATA = "evals/data";

/** File that pins every data set. */
export const DATA_LOCK = "data-sets.lock.json";

const lockSchema = z.record(
  z.string(),
  z.strictObject({
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    cases: z.int().min(1),
    /** SPDX id. */
    licence: z.string().min(1),
    origin: z.string().min(1),
    /** What was found when somebody looked for personal data. */
    personalData: z.string().min(1),
    /** Who decides: rules alone, or a judge, without which its cases would stay open. */
    decidedBy: z.enum(["rules", "judge"]).default("rules"),
  }),
);

/** Pinned data sets by suite. */
export type DataLock = z.output<typeof lockSchema>;

/** Cases with the digest of where they come from. */
export interface DataSets {
  readonly cases: readonly EvalCase[];
  /** Over the digests of all sets that were read. */
  readonly digest: `sha256:${string}`;
}

/** SHA-256 of a file, hex. */
export function fileDigest(text: string | Buffer): string {
  return createHash("sha256").update(text).digest("hex");
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw new DataSetError(`${path}: cannot be read`);
  }
}

/**
 * Reads the pins of a folder's data sets.
 * @param place folder, from the root of the repository or absolute. @default the shipped ones
 * @throws DataSetError when they are malformed
 */
export function readDataLock(place: string = SHIPPED_DATA): DataLock {
  const parsed = lockSchema.safeParse(JSON.parse(readText(join(resolve(ROOT, place), DATA_LOCK))));
  if (!parsed.success) throw new DataSetError(`${DATA_LOCK}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/**
 * Reads data sets and checks each against its pin, so that nobody changes a question and keeps the report.
 * @param suites which ones; all that rules decide when not given
 * @param place folder, from the root of the repository or absolute. @default the shipped ones
 * @throws DataSetError when one is unknown, changed, unpinned or malformed
 */
export function readDataSets(suites?: readonly string[], place: string = SHIPPED_DATA): DataSets {
  const folder = resolve(ROOT, place);
  const lock = readDataLock(place);
  const names = suites ?? Object.keys(lock).filter((name) => lock[name]?.decidedBy === "rules");
  const cases = names.flatMap((name) => {
    const pin = lock[name];
    if (pin === undefined)
      throw new DataSetError(`there is no data set '${name}'; there is ${Object.keys(lock).join(", ")}`);
    const file = join(folder, `${name}.jsonl`);
    const text = readText(file);
    if (fileDigest(text) !== pin.sha256)
      throw new DataSetError(
        `${place}/${name}.jsonl: its SHA-256 is ${fileDigest(text)}, ${DATA_LOCK} pins ${pin.sha256}: if the change is meant, write the new digest and count there`,
      );
    const read = parseCases(`${place}/${name}.jsonl`, text);
    if (read.length !== pin.cases)
      throw new DataSetError(`${place}/${name}.jsonl: ${read.length} cases, ${DATA_LOCK} says ${pin.cases}`);
    if (pin.decidedBy === "rules" && read.some(({ grader }) => grader.kind === "judge"))
      throw new DataSetError(
        `${place}/${name}.jsonl: a case asks a judge; say decidedBy: judge in ${DATA_LOCK}`,
      );
    const strayed = read.find(({ suite }) => suite !== name);
    if (strayed !== undefined)
      throw new DataSetError(
        `${place}/${name}.jsonl: the case '${strayed.id}' belongs to '${strayed.suite}'`,
      );
    return read;
  });
  const digests = Object.fromEntries([...names].sort().map((name) => [name, lock[name]?.sha256]));
  return { cases, digest: `sha256:${fileDigest(canonicalJson(digests))}` };
}
