import { Command } from "commander";
import { calibrate, calibrationFaults, type Calibration } from "../evals/judge/calibration.ts";
import { judgeRun, readVerdicts } from "../evals/judge/verdicts.ts";
import { parseLabels } from "../evals/labels/labels.ts";
import type { TokenPrice } from "../evals/run/spend.ts";
import { EXIT, print, printJson, progress } from "./context.ts";
import { casesOf } from "./eval-cases.ts";
import { FREE, price, usd, whole } from "./eval-options.ts";
import { textOf, writeFile } from "./files.ts";

interface JudgeOptions {
  readonly url: string;
  readonly key: string;
  readonly model: string;
  readonly prompt: string;
  readonly suite: readonly string[];
  readonly maxTokens: number;
  readonly price: TokenPrice;
  readonly maxUsd: number;
  readonly json?: true;
}

async function judge(run: string, options: JudgeOptions): Promise<void> {
  const { url, key, model, prompt, suite, maxTokens, maxUsd } = options;
  const stop = new AbortController();
  const interrupt = (): void => {
    stop.abort();
  };
  process.once("SIGINT", interrupt);
  try {
    const verdicts = await judgeRun({
      folder: run,
      cases: casesOf(run, suite),
      judge: { target: { baseUrl: url, apiKey: textOf(key).trim(), model, maxTokens }, prompt },
      price: options.price,
      maxUsd,
      onProgress: (done, all, spent) => {
        progress(`${done} of ${all} verdicts, ${spent.toFixed(4)} USD`);
      },
      signal: stop.signal,
    });
    const count = (wanted: string): number => verdicts.filter(({ verdict }) => verdict === wanted).length;
    const summary = { good: count("good"), bad: count("bad"), undecided: count("undecided") };
    if (options.json === true) printJson({ version: verdicts[0]?.version, ...summary });
    else
      print(
        `${summary.good} good, ${summary.bad} bad, ${summary.undecided} undecided; advice until calibrated`,
      );
  } finally {
    process.off("SIGINT", interrupt);
  }
}

/** `llmops eval judge`: a model's verdict on every answer that no rule decides. */
export function judgeCommand(): Command {
  return new Command("judge")
    .description("ask a model, through the gateway, about every answer of a run that no rule decides")
    .argument("<run>", "folder of the run")
    .requiredOption("--url <url>", "gateway the judge is behind")
    .requiredOption("--key <file>", "file with an API key for it")
    .requiredOption("--model <name>", "model that judges; not the one that answered")
    .option("--suite <suites...>", "data sets of the run", ["usefulness"])
    .option("--prompt <version>", "version of the prompt `judge`", "1")
    .option("--max-tokens <count>", "longest verdict", whole, 200)
    .option("--price <input,output>", "USD per million tokens", price, FREE)
    .option("--max-usd <amount>", "most the verdicts may cost", usd, 5)
    .option("--json", "print JSON")
    .action(judge);
}

function printCalibration(calibration: Calibration, faults: readonly string[]): void {
  const two = (value: number): string => value.toFixed(2);
  const percent = (value: number): string => `${(value * 100).toFixed(1)} %`;
  const { badAnswers } = calibration;
  print(`${calibration.version}: ${calibration.labels} labels`);
  print(
    `  kappa ${two(calibration.kappa)} (${two(calibration.kappaLower)} to ${two(calibration.kappaUpper)})`,
  );
  print(
    `  finds ${percent(calibration.sensitivity)} of the bad answers, passes ${percent(calibration.specificity)} of the good ones (at least ${percent(calibration.specificityLower)})`,
  );
  print(
    `  calls ${percent(badAnswers.observed)} bad; corrected ${badAnswers.rate === null ? "cannot be known" : percent(badAnswers.rate)} (${percent(badAnswers.lower)} to ${percent(badAnswers.upper)})`,
  );
  print(
    `  undecided ${calibration.undecided}, preference for long answers ${two(calibration.lengthPreference)}, people among themselves ${calibration.reviewers === null ? "unknown" : two(calibration.reviewers)}`,
  );
  print(faults.length === 0 ? "  it may gate" : "  it may not gate:");
  for (const fault of faults) print(`    ${fault}`);
}

interface CalibrateOptions {
  readonly labels: string;
  readonly out: string;
  readonly json?: true;
}

function measure(run: string, { labels, out, json }: CalibrateOptions): void {
  const now = new Date();
  const calibration = calibrate(parseLabels(labels, textOf(labels)), readVerdicts(run), now);
  writeFile(out, `${JSON.stringify(calibration, null, 2)}\n`);
  const faults = calibrationFaults(calibration, calibration.version, now);
  if (json === true) printJson({ ...calibration, faults });
  else printCalibration(calibration, faults);
  if (faults.length > 0) process.exitCode = EXIT.findings;
}

/** `llmops eval calibrate`: how well a judge follows people. */
export function calibrateJudgeCommand(): Command {
  return new Command("calibrate")
    .description("compare a judge's verdicts with people's labels; exit code 1 when it may not gate")
    .argument("<run>", "folder of a run with verdicts")
    .requiredOption("--labels <file>", "labels, from `llmops eval labels import`")
    .requiredOption("--out <file>", "calibration, for `llmops eval compare --calibration`")
    .option("--json", "print JSON")
    .action(measure);
}
