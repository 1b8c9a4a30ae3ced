import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { promptChanges, type PromptChange } from "../prompts/diff.ts";
import { promptHash } from "../prompts/hash.ts";
import {
  isPromptFile,
  promptAt,
  promptFiles,
  PROMPTS_FOLDER,
  promptsOf,
  type PromptFiles,
} from "../prompts/library.ts";
import { lintPrompts, LOCK_FILE, lockOf } from "../prompts/lint.ts";
import { PromptError, type VariableValue } from "../prompts/prompt.ts";
import { readout, READOUT_RULES, splitChance } from "../prompts/readout.ts";
import {
  METRICS,
  samplesFromAudit,
  samplesFromCounts,
  type Metric,
  type StickyUnit,
} from "../prompts/samples.ts";
import { render } from "../prompts/template.ts";
import { EXIT, print, printJson, progress } from "./context.ts";
import { git } from "./git.ts";
import { numberFrom } from "./number-options.ts";
import { plainTable } from "./table.ts";

interface JsonOption {
  readonly json?: true;
}

function lint({ json }: JsonOption): void {
  const files = promptFiles();
  const findings = lintPrompts(files);
  const versions = [...files.keys()].filter((path) => path.endsWith(".prompt")).length;
  if (json === true) printJson({ versions, findings });
  else {
    for (const { file, rule, message } of findings) print(`prompts/${file}: ${rule}: ${message}`);
    print(`${versions} versions read, ${findings.length} findings`);
  }
  if (findings.length > 0) process.exitCode = EXIT.findings;
}

function hash({ json, write }: JsonOption & { readonly write?: true }): void {
  const files = promptFiles();
  const hashes = Object.fromEntries(promptsOf(files).map((prompt) => [prompt.file, promptHash(prompt)]));
  if (write === true) {
    const lock = lockOf(files);
    const changed = Object.entries(lock).filter(([file, old]) => (hashes[file] ?? old) !== old);
    if (changed.length > 0)
      throw new PromptError(
        changed
          .map(
            ([file]) => `prompts/${file}: it is released already and its content changed: make a new version`,
          )
          .join("\n"),
      );
    writeFileSync(join(PROMPTS_FOLDER, LOCK_FILE), `${JSON.stringify({ ...lock, ...hashes }, null, 2)}\n`);
    progress(`wrote prompts/${LOCK_FILE}`);
  }
  if (json === true) printJson(hashes);
  else for (const [file, each] of Object.entries(hashes)) print(`${each}  ${file}`);
}

function filesAt(ref: string): PromptFiles {
  const paths = git("ls-tree", "-r", "--name-only", ref, "prompts/")
    .split("\n")
    .map((path) => path.replace(/^prompts\//, ""))
    .filter(isPromptFile);
  return new Map(paths.map((path) => [path, git("show", `${ref}:prompts/${path}`)]));
}

function markdown(changes: readonly PromptChange[], base: string): string {
  if (changes.length === 0) return `No prompt differs from ${base}.`;
  const sign = { same: " ", removed: "-", added: "+" } as const;
  return changes
    .map(({ file, kind, against, hash: id, settings, lines }) =>
      [
        `### prompts/${file}: ${kind}${against === null || against === file ? "" : `, compared with ${against}`}`,
        `\`${id}\``,
        ...(settings.length === 0 ? [] : [settings.map((line) => `- ${line}`).join("\n")]),
        ["```diff", ...lines.map((line) => `${sign[line.kind]} ${line.text}`), "```"].join("\n"),
      ].join("\n\n"),
    )
    .join("\n\n");
}

function diff({ base, out, json }: JsonOption & { readonly base: string; readonly out?: string }): void {
  const changes = promptChanges(filesAt(git("rev-parse", "--verify", `${base}^{commit}`)), promptFiles());
  if (out !== undefined) writeFileSync(out, `${markdown(changes, base)}\n`);
  if (json === true) printJson(changes);
  else if (out === undefined) print(markdown(changes, base));
}

function assignment(text: string, before: Record<string, VariableValue>): Record<string, VariableValue> {
  const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new InvalidArgumentError(`'${text}' is not <name>=<value>`);
  const typed = /^(true|false)$/.test(value)
    ? value === "true"
    : /^-?\d+(\.\d+)?$/.test(value)
      ? Number(value)
      : value;
  return { ...before, [name]: typed };
}

interface RenderOptions extends JsonOption {
  readonly set: Record<string, VariableValue>;
}

function show(reference: string, { set, json }: RenderOptions): void {
  const [name = "", version] = reference.split("@");
  if (version === undefined) throw new PromptError(`'${reference}': write <prompt>@<version>`);
  const prompt = promptAt(name, version);
  const [system, id] = [render(prompt, set), promptHash(prompt, set)];
  if (json === true) printJson({ prompt: name, version, hash: id, settings: prompt.settings, system });
  else print(system);
}

interface ReadoutOptions extends JsonOption {
  readonly counts?: string;
  readonly audit?: readonly string[];
  readonly prompt?: string;
  readonly metric: Metric;
  readonly unit: StickyUnit;
  readonly weights?: readonly number[];
  readonly alpha: number;
  readonly minUnits: number;
  readonly effect: number;
}

function countsOf(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as unknown;
  } catch (error) {
    throw new PromptError(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Below this chance of the split, randomisation or counting is broken and no difference means anything. */
const SPLIT_ALARM = 0.001;

async function compare(options: ReadoutOptions): Promise<void> {
  const { counts, audit, prompt, metric, unit, weights, alpha, minUnits, effect } = options;
  if ((counts === undefined) === (audit === undefined))
    throw new PromptError("give either --counts or --audit");
  if (audit !== undefined && prompt === undefined)
    throw new PromptError("--audit needs --prompt <name>: whose versions to compare");
  const read =
    audit === undefined || prompt === undefined
      ? { samples: samplesFromCounts(counts ?? "", countsOf(counts ?? "")), withoutUnit: 0, mixedUnits: 0 }
      : await samplesFromAudit(audit, { prompt, metric, unit });
  const { samples, withoutUnit, mixedUnits } = read;
  if (samples.length < 2)
    throw new PromptError(
      `there are calls of ${samples.length} versions with a ${unit}; a comparison needs two (${withoutUnit} calls without a ${unit})`,
    );
  if (weights !== undefined && weights.length !== samples.length)
    throw new PromptError(`--weights names ${weights.length} weights for ${samples.length} versions`);
  const results = readout(samples, { alpha, minUnits, expectedEffect: effect });
  const split = weights === undefined ? null : splitChance(samples, weights);
  const isBroken = split !== null && split < SPLIT_ALARM;
  const [control] = samples;
  if (options.json === true)
    printJson({
      control: control?.version,
      metric: audit === undefined ? "counts" : metric,
      unit,
      samples,
      results,
      split,
      withoutUnit,
      mixedUnits,
    });
  else {
    const percent = (value: number): string => (value * 100).toFixed(1);
    const table = plainTable({
      head: ["version", "units", "mean %", "difference, points", "interval", "p", "verdict"],
    });
    table.push([
      control?.version ?? "",
      control?.units ?? 0,
      percent((control?.sum ?? 0) / Math.max(1, control?.units ?? 0)),
      "control",
      "",
      "",
      "",
    ]);
    for (const { version, units, mean, difference, lower, upper, pValue, verdict } of results)
      table.push([
        version,
        units,
        percent(mean),
        percent(difference),
        `${percent(lower)} to ${percent(upper)}`,
        pValue.toPrecision(2),
        verdict,
      ]);
    print(table.toString());
    print(`Always-valid intervals at ${(1 - alpha) * 100} %: look as often as you like. Unit: ${unit}.`);
    if (withoutUnit > 0) print(`${withoutUnit} calls have no ${unit} and are left out.`);
    if (mixedUnits > 0) print(`${mixedUnits} units met several versions and are left out.`);
    if (isBroken)
      print(
        `The split does not follow the weights (chance ${split.toPrecision(2)}): find out why before believing any of this.`,
      );
  }
  if (isBroken || results.some(({ verdict }) => verdict === "worse")) process.exitCode = EXIT.findings;
}

/** `llmops prompt`: versioned prompts and their comparison. */
export function promptCommand(): Command {
  const command = new Command("prompt").description("versioned prompts: lint, hash, difference, comparison");
  command
    .command("lint")
    .description("variables, schema, secrets and personal data, changelog, released versions unchanged")
    .option("--json", "print JSON")
    .action(lint);
  command
    .command("hash")
    .description("content hash of every version")
    .option("--write", `record new versions in prompts/${LOCK_FILE}; released ones never change`)
    .option("--json", "print JSON")
    .action(hash);
  command
    .command("diff")
    .description("what a change does to the prompts, as Markdown for the pull request")
    .requiredOption("--base <ref>", "commit to compare with, for example origin/main")
    .option("--out <file>", "write it there instead of printing it")
    .option("--json", "print JSON")
    .action(diff);
  command
    .command("render")
    .description("the system message as the gateway sends it")
    .argument("<prompt@version>", "for example claims-assistant@2")
    .option("--set <name=value>", "value of a variable; may be repeated", assignment, {})
    .option("--json", "print JSON")
    .action(show);
  command
    .command("readout")
    .description(
      "compare versions under test with a test that may be looked at any time; exit code 1 when one is worse",
    )
    .option("--counts <file>", 'JSON: {"variants":[{"version","units","successes"}, ...]}, control first')
    .option("--audit <place...>", "audit logs: folders, s3:// or gs://")
    .option("--prompt <name>", "prompt whose versions are compared")
    .addOption(
      new Option("--metric <metric>", "what counts").choices(Object.keys(METRICS)).default("unflagged"),
    )
    .addOption(
      new Option("--unit <unit>", "who sticks to a version: the model's prompts.sticky")
        .choices(["client", "trace", "subject"])
        .default("subject"),
    )
    .option("--weights <weights>", "configured weights in the order of versions, for example 9,1", (text) =>
      text.split(",").map(numberFrom(0, 1e6)),
    )
    .option(
      "--alpha <share>",
      "chance of ever calling equal ones different",
      numberFrom(0.0001, 0.5),
      READOUT_RULES.alpha,
    )
    .option(
      "--min-units <count>",
      "units per version before anything is concluded",
      numberFrom(2, 1e9),
      READOUT_RULES.minUnits,
    )
    .option(
      "--effect <share>",
      "difference the test is tuned for",
      numberFrom(0.001, 1),
      READOUT_RULES.expectedEffect,
    )
    .option("--json", "print JSON")
    .action(compare);
  return command;
}
