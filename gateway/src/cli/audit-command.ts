import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { parseArgs } from "node:util";
import { z } from "zod";
import type { Finding } from "../audit/findings.ts";
import type { Verification } from "../audit/verify.ts";
import { verifyDirectory } from "../audit/verify.ts";
import { Reconciliation, engineCounts } from "./reconcile.ts";
import type { RecordFilter } from "./records.ts";
import { fits, readRecords } from "./records.ts";

/** Exit codes of the audit command. */
export const EXIT = { ok: 0, broken: 1, usage: 2, unproven: 3 } as const;

const HELP = `audit <command> <directory>... [options]

  verify      check chains, signatures, gaps and orphans
              --key <public.pem>        public key, may be repeated
              --live                    the writer is running
              --expired-beginning       the oldest segments may be gone
              --anchors <file>          records that must be there (from --write-anchors)
              --write-anchors <file>    keep the heads for the next verification
  search      print records
              --kind --id --client --tenant --model --result --trace --from --to --limit
  export      write the stored lines of a period to a file, with a manifest beside it
              --out <file> --key <public.pem> and the options of search
  reconcile   compare with the counters of a vLLM engine
              --after <metrics page> [--before <metrics page>]

  --json      print JSON
  exit codes  0 fine, 1 broken or different, 2 wrong use or unreadable, 3 nothing wrong found but not all proven
`;

const anchorsSchema = z.array(
  z.strictObject({ writer: z.string(), seq: z.number().int(), hash: z.string() }),
);

class UsageError extends Error {}

interface Options {
  readonly directories: [string, ...string[]];
  readonly json: boolean;
  readonly keys: readonly string[];
  readonly values: Readonly<Record<string, string | boolean | string[] | undefined>>;
}

type Print = (text: string) => void;

function text(options: Options, name: string): string | undefined {
  const value = options.values[name];
  return typeof value === "string" ? value : undefined;
}

function readOptions(args: readonly string[]): Options {
  const one = { type: "string" } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: "boolean" },
      key: { type: "string", multiple: true },
      live: { type: "boolean" },
      "expired-beginning": { type: "boolean" },
      anchors: one,
      "write-anchors": one,
      kind: one,
      id: one,
      client: one,
      tenant: one,
      model: one,
      result: one,
      trace: one,
      from: one,
      to: one,
      limit: one,
      out: one,
      before: one,
      after: one,
    },
  });
  const [first, ...rest] = positionals;
  if (first === undefined) throw new UsageError("name at least one directory");
  for (const name of ["from", "to"] as const) {
    if (values[name] !== undefined && Number.isNaN(Date.parse(values[name])))
      throw new UsageError(`--${name} is not a date`);
  }
  return { directories: [first, ...rest], json: values.json === true, keys: values.key ?? [], values };
}

function filterOf(options: Options): RecordFilter {
  const names = ["kind", "id", "client", "tenant", "model", "result", "trace", "from", "to"] as const;
  return Object.fromEntries(
    names.flatMap((name) => (text(options, name) === undefined ? [] : [[name, text(options, name)]])),
  );
}

function describe({ severity, kind, place, detail }: Finding): string {
  const { writer, segment, line, offset, seq } = place;
  const where = [
    writer,
    segment === null ? "" : `segment ${segment}`,
    line === null ? "" : `line ${line}`,
    offset === null ? "" : `byte ${offset}`,
    seq === null ? "" : `record ${seq}`,
  ];
  return `${severity} ${kind} at ${where.filter((part) => part !== "").join(", ")}: ${detail}\n`;
}

async function verifyWith(options: Options): Promise<Verification> {
  const [directory, ...also] = options.directories;
  const anchorsFile = text(options, "anchors");
  const anchors =
    anchorsFile === undefined ? [] : anchorsSchema.parse(JSON.parse(await readFile(anchorsFile, "utf8")));
  return verifyDirectory(directory, {
    also,
    publicKeys: await Promise.all(options.keys.map((path) => readFile(path, "utf8"))),
    beginning: options.values["expired-beginning"] === true ? "may-have-expired" : "required",
    writer: options.values["live"] === true ? "live" : "at-rest",
    anchors,
  });
}

function exitCode(verdict: Verification["verdict"]): number {
  return { intact: EXIT.ok, unproven: EXIT.unproven, broken: EXIT.broken }[verdict];
}

async function verify(options: Options, print: Print): Promise<number> {
  const result = await verifyWith(options);
  const keep = text(options, "write-anchors");
  if (keep !== undefined && result.verdict !== "broken") {
    const heads = result.chains.flatMap(({ writer, lastSeq, head }) =>
      lastSeq === null || head === null ? [] : [{ writer, seq: lastSeq, hash: head }],
    );
    await writeFile(keep, `${JSON.stringify(heads, null, 2)}\n`);
  }
  if (options.json) {
    print(`${JSON.stringify(result)}\n`);
    return exitCode(result.verdict);
  }
  for (const chain of result.chains) {
    const { writer, segments, records, signed, intents, outcomes, decisions, unknownOutcomes } = chain;
    print(
      `${writer}: ${segments} segments, ${records} records (${signed} signed), ${intents} calls, ${outcomes} outcomes`,
    );
    print(` (${unknownOutcomes} unknown), ${decisions} decisions\n`);
  }
  result.findings.forEach((finding) => {
    print(describe(finding));
  });
  print(`${result.verdict}\n`);
  return exitCode(result.verdict);
}

async function search(options: Options, print: Print): Promise<number> {
  const filter = filterOf(options);
  const limit = Number(text(options, "limit") ?? "1000");
  if (!Number.isSafeInteger(limit) || limit < 1) throw new UsageError("--limit is a positive integer");
  let shown = 0;
  for await (const { record } of readRecords(options.directories)) {
    if (!fits(record, filter)) continue;
    if (options.json) print(`${JSON.stringify(record)}\n`);
    else print(`${record.ts} ${record.writer} ${record.seq} ${JSON.stringify(record.body)}\n`);
    shown += 1;
    if (shown >= limit) break;
  }
  return EXIT.ok;
}

async function exportRecords(options: Options, print: Print): Promise<number> {
  const out = text(options, "out");
  if (out === undefined) throw new UsageError("--out is missing");
  const filter = filterOf(options);
  const { verdict, findings } = await verifyWith(options);
  const file = createWriteStream(out, { flags: "wx" });
  const hash = createHash("sha256");
  let records = 0;
  for await (const { record, line } of readRecords(options.directories)) {
    if (!fits(record, filter)) continue;
    hash.update(`${line}\n`);
    records += 1;
    if (!file.write(`${line}\n`)) await once(file, "drain");
  }
  file.end();
  await once(file, "finish");
  const manifest = { records, sha256: hash.digest("hex"), filter, verdict, findings };
  await writeFile(`${out}.manifest.json`, `${JSON.stringify(manifest, null, 2)}\n`, { flag: "wx" });
  print(options.json ? `${JSON.stringify(manifest)}\n` : `${records} records, ${verdict}\n`);
  return exitCode(verdict);
}

async function reconcile(options: Options, print: Print): Promise<number> {
  const after = text(options, "after");
  const before = text(options, "before");
  if (after === undefined) throw new UsageError("--after is missing");
  const filter = filterOf(options);
  const counted = new Reconciliation();
  for await (const { record } of readRecords(options.directories))
    if (fits(record, filter)) counted.add(record);
  const start =
    before === undefined ? new Map<string, number>() : engineCounts(await readFile(before, "utf8"));
  const models = counted.compare(start, engineCounts(await readFile(after, "utf8")));
  if (options.json) print(`${JSON.stringify({ models })}\n`);
  else {
    for (const { model, engine, least, most, result } of models) {
      print(`${model}: engine ${engine}, log ${least} to ${most}: ${result}\n`);
    }
  }
  if (models.length === 0) return EXIT.unproven;
  return models.every(({ result }) => result === "agrees") ? EXIT.ok : EXIT.broken;
}

const COMMANDS: Readonly<Record<string, (options: Options, print: Print) => Promise<number>>> = {
  verify,
  search,
  export: exportRecords,
  reconcile,
};

/** Runs the audit command and returns its exit code. */
export async function auditCommand(args: readonly string[], print: Print, complain: Print): Promise<number> {
  const [name = "", ...rest] = args;
  const command = COMMANDS[name];
  if (command === undefined) {
    complain(HELP);
    return EXIT.usage;
  }
  try {
    return await command(readOptions(rest), print);
  } catch (error) {
    complain(`${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT.usage;
  }
}
