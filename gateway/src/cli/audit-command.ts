import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { parseArgs } from "node:util";
import { z } from "zod";
import type { Finding } from "../audit/findings.ts";
import type { Verification, VerifyProgress } from "../audit/verify.ts";
import { verifyDirectory } from "../audit/verify.ts";
import { Reconciliation, engineCounts } from "./reconcile.ts";
import { ContentUnreadableError, ContentVault } from "../content/vault.ts";
import { openStore, storeAddress } from "../store/open-store.ts";
import { AdminClient } from "./admin-client.ts";
import type { RecordFilter } from "./records.ts";
import { fits, readRecords } from "./records.ts";

/** Exit codes of the audit command. */
export const EXIT = { ok: 0, broken: 1, usage: 2, unproven: 3 } as const;

const HELP = `audit <command> <place>... [options]
  a place is a directory, s3://<bucket>/<prefix> or gs://<bucket>/<prefix>

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

  content     print what was said in one call, where content is kept and not erased
              --id <request> --objects <place> --keys <place> --master-key <file>
  erase       destroy the content keys of a data subject (asks a running gateway; no place)
  reviews     list requests that wait for a person, or decide one (asks a running gateway; no place)
  stop        stop a model or all of them at once, with a record; release lets them answer again
              --url <address of the administration interface> --admin-key <file>
              stop, release: --model <name or all> --reason <why>
              erase: --tenant --subject    reviews: [--approve <ticket> | --deny <ticket>]

  --json      print JSON
  --progress  say on the error stream how far a verification is
  exit codes  0 fine, 1 broken or different, 2 wrong use or unreadable, 3 nothing wrong found but not all proven
`;

const anchorsSchema = z.array(
  z.strictObject({ writer: z.string(), seq: z.number().int(), hash: z.string() }),
);

class UsageError extends Error {}

interface Options {
  readonly directories: readonly string[];
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
      objects: one,
      keys: one,
      "master-key": one,
      url: one,
      "admin-key": one,
      subject: one,
      approve: one,
      deny: one,
      reason: one,
      progress: { type: "boolean" },
      before: one,
      after: one,
    },
  });
  for (const name of ["from", "to"] as const) {
    if (values[name] !== undefined && Number.isNaN(Date.parse(values[name])))
      throw new UsageError(`--${name} is not a date`);
  }
  return { directories: positionals, json: values.json === true, keys: values.key ?? [], values };
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

function required(options: Options, name: string): string {
  const value = text(options, name);
  if (value === undefined) throw new UsageError(`--${name} is missing`);
  return value;
}

function places(options: Options): readonly [string, ...string[]] {
  const [first, ...rest] = options.directories;
  if (first === undefined) throw new UsageError("name at least one place: a directory, s3://... or gs://...");
  return [first, ...rest];
}

async function verifyWith(options: Options, complain: Print): Promise<Verification> {
  const [directory, ...also] = places(options);
  const anchorsFile = text(options, "anchors");
  const anchors =
    anchorsFile === undefined ? [] : anchorsSchema.parse(JSON.parse(await readFile(anchorsFile, "utf8")));
  return verifyDirectory(directory, {
    also,
    publicKeys: await Promise.all(options.keys.map((path) => readFile(path, "utf8"))),
    beginning: options.values["expired-beginning"] === true ? "may-have-expired" : "required",
    writer: options.values["live"] === true ? "live" : "at-rest",
    anchors,
    ...(options.values["progress"] === true ? { onProgress: progressTo(complain) } : {}),
  });
}

function progressTo(complain: Print): (progress: VerifyProgress) => void {
  return ({ writer, segment, segments, lines }) => {
    complain(`${writer}: segment ${segment} of ${segments}, ${lines} records read\n`);
  };
}

function exitCode(verdict: Verification["verdict"]): number {
  return { intact: EXIT.ok, unproven: EXIT.unproven, broken: EXIT.broken }[verdict];
}

async function verify(options: Options, print: Print, complain: Print): Promise<number> {
  const result = await verifyWith(options, complain);
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
  for await (const { record } of readRecords(places(options))) {
    if (!fits(record, filter)) continue;
    if (options.json) print(`${JSON.stringify(record)}\n`);
    else print(`${record.ts} ${record.writer} ${record.seq} ${JSON.stringify(record.body)}\n`);
    shown += 1;
    if (shown >= limit) break;
  }
  return EXIT.ok;
}

async function exportRecords(options: Options, print: Print, complain: Print): Promise<number> {
  const out = required(options, "out");
  const filter = filterOf(options);
  const { verdict, findings } = await verifyWith(options, complain);
  const file = createWriteStream(out, { flags: "wx" });
  const hash = createHash("sha256");
  let records = 0;
  for await (const { record, line } of readRecords(places(options))) {
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
  const after = required(options, "after");
  const before = text(options, "before");
  const filter = filterOf(options);
  const counted = new Reconciliation();
  for await (const { record } of readRecords(places(options))) if (fits(record, filter)) counted.add(record);
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

async function content(options: Options, print: Print): Promise<number> {
  const id = required(options, "id");
  const vault = new ContentVault({
    content: await openStore(storeAddress(required(options, "objects"))),
    keys: await openStore(storeAddress(required(options, "keys"))),
    master: Buffer.from((await readFile(required(options, "master-key"), "utf8")).trim(), "base64"),
  });
  let unreadable = 0;
  let found = 0;
  for await (const { record } of readRecords(places(options))) {
    const { body } = record;
    if ((body.kind !== "intent" && body.kind !== "outcome") || body.id !== id || body.content === undefined)
      continue;
    found += 1;
    const side = body.kind === "intent" ? "input" : "output";
    try {
      const said = (await vault.open(body.content)).toString("utf8");
      print(options.json ? `${JSON.stringify({ id, side, content: said })}\n` : `${side}: ${said}\n`);
    } catch (error) {
      if (!(error instanceof ContentUnreadableError)) throw error;
      unreadable += 1;
      const { reason } = error;
      print(options.json ? `${JSON.stringify({ id, side, reason })}\n` : `${side}: ${reason}\n`);
    }
  }
  if (found === 0) throw new UsageError(`no content is kept for ${id}`);
  return unreadable === 0 ? EXIT.ok : EXIT.broken;
}

async function administration(options: Options): Promise<AdminClient> {
  const key = (await readFile(required(options, "admin-key"), "utf8")).trim();
  return new AdminClient(required(options, "url"), key);
}

async function erase(options: Options, print: Print): Promise<number> {
  const client = await administration(options);
  const erased = await client.erase(required(options, "tenant"), required(options, "subject"));
  print(
    options.json
      ? `${JSON.stringify(erased)}\n`
      : `${erased.keys.length} keys destroyed for ${erased.subject}\n`,
  );
  return EXIT.ok;
}

function brake(action: "stop" | "release"): (options: Options, print: Print) => Promise<number> {
  return async (options, print) => {
    const client = await administration(options);
    const { brakes } = await client.brake(action, required(options, "model"), required(options, "reason"));
    const stopped = brakes.flatMap(({ kind, scope }) => (kind === "stop" ? [scope ?? ""] : []));
    print(
      options.json
        ? `${JSON.stringify({ brakes })}\n`
        : `${stopped.length === 0 ? "nothing is stopped" : `stopped: ${stopped.join(", ")}`}\n`,
    );
    return EXIT.ok;
  };
}

async function reviews(options: Options, print: Print): Promise<number> {
  const client = await administration(options);
  const [approve, deny] = [text(options, "approve"), text(options, "deny")];
  if (approve !== undefined && deny !== undefined) throw new UsageError("give --approve or --deny, not both");
  const ticket = approve ?? deny;
  if (ticket !== undefined) {
    const decided = await client.decide(ticket, approve === undefined ? "denied" : "approved");
    print(options.json ? `${JSON.stringify(decided)}\n` : `${decided.id} ${decided.state}\n`);
    return EXIT.ok;
  }
  const waiting = await client.pending();
  if (options.json) print(`${JSON.stringify({ reviews: waiting })}\n`);
  for (const each of options.json ? [] : waiting) {
    print(
      `${each.id} ${each.requestedAt} ${each.client} ${each.model} ${each.side} ${each.guards.join(",")}\n`,
    );
  }
  return EXIT.ok;
}

const COMMANDS: Readonly<
  Record<string, (options: Options, print: Print, complain: Print) => Promise<number>>
> = {
  content,
  erase,
  reviews,
  stop: brake("stop"),
  release: brake("release"),
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
    return await command(readOptions(rest), print, complain);
  } catch (error) {
    complain(`${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT.usage;
  }
}
