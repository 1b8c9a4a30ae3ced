import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { CASES, runCase } from "./cases.ts";
import type { CaseResult } from "./cases.ts";
import { blueprint, litellm, portkey } from "./subject.ts";
import type { RunningSubject, Subject } from "./subject.ts";
import { startUpstream } from "./upstream.ts";

const SUBJECTS: Readonly<Record<string, Subject>> = { blueprint, portkey, litellm };
const HELP = `contract [--subject blueprint|portkey|litellm ...] [--json] [--markdown <file>]

  Runs the gateway contract against gateways that are started here, in front of an engine the cases control.
  exit codes  0 the blueprint's gateway keeps every promise, 1 it does not, 2 wrong use
`;

/** Results of one gateway by case. */
export interface Column {
  readonly subject: Pick<Subject, "name" | "version" | "setUp">;
  readonly results: readonly CaseResult[];
}

/** Every case with its place in the table, those that end the gateway last: it need not be started again for the others. */
const IN_ORDER = CASES.map((each, at) => ({ each, at })).toSorted(
  (a, b) => Number(a.each.ends === "gateway") - Number(b.each.ends === "gateway"),
);

/** Runs every case against one gateway. */
export async function runSubject(subject: Subject, say: (text: string) => void): Promise<Column> {
  const upstream = await startUpstream();
  let running: RunningSubject = await subject.start(upstream.url);
  const results: CaseResult[] = [];
  let ended = false;
  try {
    for (const { each, at } of IN_ORDER) {
      if (ended) {
        await running.stop();
        running = await subject.start(upstream.url);
      }
      const result = await runCase(each, { subject: running, upstream });
      say(`${subject.name}: ${each.name}: ${result.result} (${result.detail})`);
      results[at] = result;
      ended = each.ends === "gateway";
    }
  } finally {
    await running.stop();
    await upstream.close();
  }
  return { subject, results };
}

/** The table of all results. */
export function table(columns: readonly Column[]): string {
  const head = ["Promise", ...columns.map(({ subject }) => `${subject.name} ${subject.version}`)];
  const mark = (result: CaseResult | undefined): string =>
    result === undefined
      ? ""
      : `${result.result === "holds" ? "yes" : "**no**"}: ${result.detail.replaceAll("|", "\\|")}`;
  const rows = CASES.map(({ group, name }, at) => [
    `${group}: ${name}`,
    ...columns.map(({ results }) => mark(results[at])),
  ]);
  const total = [
    "kept",
    ...columns.map(
      ({ results }) => `${results.filter(({ result }) => result === "holds").length} of ${results.length}`,
    ),
  ];
  return [head, head.map(() => "---"), ...rows, total].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      subject: { type: "string", multiple: true },
      json: { type: "boolean" },
      markdown: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help === true) {
    console.log(HELP);
    return 0;
  }
  const names = values.subject ?? Object.keys(SUBJECTS);
  const columns: Column[] = [];
  for (const name of names) {
    const subject = SUBJECTS[name];
    if (subject === undefined) {
      console.error(`--subject ${name}: use ${Object.keys(SUBJECTS).join(", ")}\n${HELP}`);
      return 2;
    }
    columns.push(
      await runSubject(subject, (text) => {
        console.error(text);
      }),
    );
  }
  const markdown = table(columns);
  console.log(
    values.json === true
      ? JSON.stringify({ cases: CASES.map(({ group, name }) => ({ group, name })), columns })
      : markdown,
  );
  if (values.markdown !== undefined) {
    const setUps = columns
      .map(({ subject }) => `- ${subject.name} ${subject.version}: ${subject.setUp}.`)
      .join("\n");
    writeFileSync(
      values.markdown,
      `# Gateway contract\n\nWritten by \`npm run contract -- --markdown docs/gateway-contract.md\`: each gateway is started from its package, in front of\nan engine that the cases control. A gateway that offers no guard or limit for a case fails it. What it does not show: how the others\nbehave with databases, paid editions or guard services of their own.\n\n${setUps}\n\n${markdown}\n`,
    );
  }
  const own = columns.find(({ subject }) => subject.name === blueprint.name);
  return own?.results.some(({ result }) => result === "fails") === true ? 1 : 0;
}

if (process.argv[1] === import.meta.filename) process.exitCode = await main();
