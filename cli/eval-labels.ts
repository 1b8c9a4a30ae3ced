import { Command } from "commander";
import { readVerdicts } from "../evals/judge/verdicts.ts";
import { LABELING_INTERFACE, labelsFromLabelStudio, labelStudioTasks } from "../evals/labels/label-studio.ts";
import { labelsText, parseLabels } from "../evals/labels/labels.ts";
import { labelTasks, sampleTasks, type LabelTask } from "../evals/labels/queue.ts";
import { readRun } from "../evals/run/journal.ts";
import { fleissKappa, krippendorffAlpha, REVIEWER_LIMIT } from "../evals/statistics/reviewers.ts";
import { EXIT, print, printJson } from "./context.ts";
import { casesOf } from "./eval-cases.ts";
import { whole } from "./eval-options.ts";
import { jsonOf, textOf, writeFile } from "./files.ts";

function tasksOf(run: string, suites: readonly string[]): LabelTask[] {
  return labelTasks(readRun(run), casesOf(run, suites));
}

interface ExportOptions {
  readonly out: string;
  readonly interface?: string;
  readonly suite: readonly string[];
  readonly most: number;
}

function exportTasks(run: string, options: ExportOptions): void {
  const tasks = sampleTasks(tasksOf(run, options.suite), readVerdicts(run), options.most);
  writeFile(options.out, `${JSON.stringify(labelStudioTasks(tasks), null, 2)}\n`);
  if (options.interface !== undefined) writeFile(options.interface, LABELING_INTERFACE);
  print(`${tasks.length} answers to label`);
}

interface ImportOptions {
  readonly out: string;
  readonly suite: readonly string[];
}

function importLabels(run: string, file: string, { out, suite }: ImportOptions): void {
  const labels = labelsFromLabelStudio(file, jsonOf(file), tasksOf(run, suite));
  writeFile(out, labelsText(labels));
  print(`${labels.length} answers, ${labels.reduce((sum, { reviews }) => sum + reviews.length, 0)} reviews`);
}

function agreementOf(file: string, { json }: { readonly json?: true }): void {
  const labels = parseLabels(file, textOf(file));
  const reviewers = new Set(labels.flatMap(({ reviews }) => reviews.map(({ reviewer }) => reviewer)));
  const found = {
    answers: labels.length,
    reviewers: reviewers.size,
    reviewedTwice: labels.filter(({ reviews }) => reviews.length > 1).length,
    alpha: krippendorffAlpha(labels),
    fleiss: fleissKappa(labels),
    needed: REVIEWER_LIMIT,
  };
  const isEnough = found.alpha !== null && found.alpha >= REVIEWER_LIMIT;
  if (json === true) printJson(found);
  else {
    const shown = (value: number | null): string => value?.toFixed(3) ?? "unknown";
    print(
      `${found.answers} answers, ${found.reviewers} people, ${found.reviewedTwice} read by more than one`,
    );
    print(`Krippendorff's alpha ${shown(found.alpha)}, Fleiss' kappa ${shown(found.fleiss)}`);
    if (!isEnough)
      print(`below ${REVIEWER_LIMIT}: talk about the rubric before you measure a judge by these`);
  }
  if (!isEnough) process.exitCode = EXIT.findings;
}

/** `llmops eval labels`: the queue of answers that people judge. */
export function labelsCommand(): Command {
  const command = new Command("labels").description(
    "the queue of answers people judge, by which a judge is calibrated",
  );
  command
    .command("export")
    .description("write answers of a run as tasks of Label Studio, without personal data and credentials")
    .argument("<run>", "folder of the run")
    .requiredOption("--out <file>", "tasks, to be imported there")
    .option("--interface <file>", "write the labelling interface of the project too")
    .option("--suite <suites...>", "data sets of the run", ["usefulness"])
    .option("--most <count>", "most tasks; half of them doubtful ones where there are so many", whole, 400)
    .action(exportTasks);
  command
    .command("import")
    .description("read an export of Label Studio (JSON) as labels")
    .argument("<run>", "folder of the run the tasks are from")
    .argument("<file>", "export")
    .requiredOption("--out <file>", "labels, one answer a line")
    .option("--suite <suites...>", "data sets of the run", ["usefulness"])
    .action(importLabels);
  command
    .command("agreement")
    .description(
      "how far people agree among themselves; exit code 1 when it is too little to measure a judge by",
    )
    .argument("<file>", "labels")
    .option("--json", "print JSON")
    .action(agreementOf);
  return command;
}
