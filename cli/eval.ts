import { createHash, randomUUID } from "node:crypto";
import { join } from "node:path";
import { Command, Option } from "commander";
import { admission } from "../evals/admission.ts";
import { readDataSets } from "../evals/data-sets.ts";
import { evaluationOf, type EvaluationInput } from "../evals/evaluation.ts";
import { reportPage } from "../evals/html.ts";
import { readCalibration, standingOf } from "../evals/judge/calibration.ts";
import { JudgeError } from "../evals/judge/judge.ts";
import { readVerdicts, verdictScores } from "../evals/judge/verdicts.ts";
import {
  readReport,
  ReportError,
  signReport,
  verifyReport,
  type Evaluated,
  type EvaluationReport,
} from "../evals/report.ts";
import { resultsOf } from "../evals/results.ts";
import { readRun, type RunHead } from "../evals/run/journal.ts";
import { CostCapError, estimate, run } from "../evals/run/runner.ts";
import type { TokenPrice } from "../evals/run/spend.ts";
import { guardrailVersion } from "../gateway/src/guards/version.ts";
import { installedDigest } from "../local/model/paths.ts";
import { chooseGenerator, type LocalEngine } from "../local/start.ts";
import { startEvaluated } from "../local/evaluated.ts";
import { gatewayPrompt, variantHash } from "../prompts/compile.ts";
import { PromptError } from "../prompts/prompt.ts";
import { guards } from "../stacks/gateway-configuration.ts";
import { promotions } from "../stacks/promotions.ts";
import type { PlatformConfig } from "../stacks/schema/platform.ts";
import { readStack } from "../stacks/schema/stack-file.ts";
import { EXIT, print, printJson, progress, STACKS_FOLDER } from "./context.ts";
import { exportSuitesCommand } from "./eval-export.ts";
import { importResultsCommand } from "./eval-import.ts";
import { calibrateJudgeCommand, judgeCommand } from "./eval-judge.ts";
import { labelsCommand } from "./eval-labels.ts";
import { FREE, price, usd, whole } from "./eval-options.ts";
import { promotionOf } from "./eval-promotion.ts";
import { publishCommand } from "./eval-publish.ts";
import { jsonOf, textOf, writeFile } from "./files.ts";

interface RunOptions {
  readonly stack: string;
  readonly out: string;
  readonly suite?: readonly string[];
  readonly engine: LocalEngine;
  readonly prompt: string;
  readonly url?: string;
  readonly key?: string;
  readonly model?: string;
  readonly maxTokens: number;
  readonly repeats: number;
  readonly concurrency: number;
  readonly price: TokenPrice;
  readonly maxUsd: number;
  readonly json?: true;
}

/** Who is asked, what it is, and how it is stopped afterwards. */
interface Subject {
  readonly url: string;
  readonly apiKey: string;
  readonly model: string;
  readonly evaluated: Omit<Evaluated, "dataSets">;
  readonly engine: RunHead["engine"];
  /** Length of the system message, bytes. */
  readonly promptBytes: number;
  close(): Promise<void>;
}

async function localSubject(
  options: RunOptions,
  config: PlatformConfig,
  tools: readonly string[],
): Promise<Subject> {
  const [prompt = "", version] = options.prompt.split("@");
  if (version === undefined) throw new PromptError(`--prompt '${options.prompt}': write <prompt>@<version>`);
  const variant = { prompt, version, weight: 1, variables: {} };
  const compiled = gatewayPrompt(variant);
  const { generator, reason } = await chooseGenerator(options.engine);
  progress(`${generator.model}: ${reason}`);
  const rules = guards(config);
  const running = await startEvaluated({
    generator,
    prompts: [compiled],
    guards: rules,
    tools,
    folder: join(options.out, "gateway"),
  });
  const standIn = `sha256:${createHash("sha256").update("stand-in").digest("hex")}` as const;
  return {
    ...running,
    evaluated: {
      model: generator.kind === "embedded" ? installedDigest() : standIn,
      prompt: variantHash(variant),
      guardrails: guardrailVersion(rules),
    },
    engine: generator.kind === "embedded" ? "model" : "stand-in",
    promptBytes: Buffer.byteLength(compiled.system),
    close: () => running.close(),
  };
}

function deployedSubject(options: RunOptions & { readonly url: string }, config: PlatformConfig): Subject {
  const { url, key, model } = options;
  if (key === undefined || model === undefined)
    throw new ReportError("--url needs --key <file> with the API key and --model <name>");
  const promotion = promotionOf(options.stack, config, model);
  return {
    url,
    apiKey: textOf(key).trim(),
    model,
    evaluated: promotion.evaluated,
    engine: "model",
    promptBytes: Math.max(
      0,
      ...config.models.flatMap(({ prompts }) =>
        (prompts?.variants ?? []).map((variant) => Buffer.byteLength(gatewayPrompt(variant).system)),
      ),
    ),
    close: () => Promise.resolve(),
  };
}

/** Longest a case may take where nothing is paid by the hour, ms. */
const MAX_CASE_MS = 600_000;

async function evaluate(options: RunOptions): Promise<void> {
  const { stack, out, suite, maxTokens, repeats, concurrency, price, maxUsd } = options;
  const config = readStack(STACKS_FOLDER, stack);
  const { cases, digest } = readDataSets(suite, config.evaluation.dataSets);
  const tools = [...new Set(cases.flatMap((each) => each.tools.map(({ name }) => name)))];
  if (options.url === undefined && config.cloud.provider !== "local")
    throw new ReportError(`stack ${stack} does not run here: give --url, --key and --model of its gateway`);
  const subject =
    options.url === undefined
      ? await localSubject(options, config, tools)
      : deployedSubject({ ...options, url: options.url }, config);
  const stop = new AbortController();
  const interrupt = (): void => {
    stop.abort(new ReportError("interrupted; run the same command again to go on"));
  };
  process.once("SIGINT", interrupt);
  try {
    const expected = estimate(cases, { maxTokens, repeats, promptCharacters: subject.promptBytes }, price);
    progress(
      `${expected.questions} questions, at most about ${expected.inputTokens} input and ${expected.outputTokens} output tokens, ${expected.usd.toFixed(4)} USD; --max-usd ${maxUsd}`,
    );
    if (expected.usd > maxUsd)
      throw new CostCapError(
        `the run may cost ${expected.usd.toFixed(4)} USD and --max-usd is ${maxUsd}: raise it, lower --max-tokens or --repeats, or choose suites`,
        0,
      );
    let told = 0;
    const result = await run({
      head: {
        schema: "llmops.evaluation-run/v1",
        run: randomUUID(),
        stack,
        environment: config.environment,
        model: subject.model,
        evaluated: { ...subject.evaluated, dataSets: digest },
        engine: subject.engine,
        maxTokens,
        repeats,
        cases: cases.length,
        startedAt: new Date().toISOString(),
      },
      cases,
      target: { baseUrl: subject.url, apiKey: subject.apiKey, model: subject.model, maxTokens },
      folder: out,
      price: { ...price, usdPerHour: 0 },
      maxUsd,
      limits: { promptBytes: subject.promptBytes, maxCaseMs: MAX_CASE_MS },
      concurrency: subject.engine === "model" && options.url === undefined ? 1 : concurrency,
      onProgress: (done, all, usd) => {
        if (Date.now() - told < 2_000 && done < all) return;
        told = Date.now();
        progress(`${done} of ${all} answers, ${usd.toFixed(4)} USD`);
      },
      signal: stop.signal,
    });
    if (options.json === true)
      printJson({ ...result.head, answers: result.lines.length, failures: result.failures });
    else {
      print(`${result.lines.length} answers in ${out}`);
      for (const failure of result.failures) print(`not asked: ${failure}`);
    }
    if (result.failures.length > 0) process.exitCode = EXIT.failure;
  } finally {
    process.off("SIGINT", interrupt);
    await subject.close();
  }
}

interface CompareOptions {
  readonly baseline?: string;
  readonly first?: true;
  readonly out?: string;
  readonly html?: string;
  readonly suite?: readonly string[];
  readonly calibration?: string;
  readonly json?: true;
}

function printReport({
  model,
  decision,
  samples,
  suites,
  comparison,
  reasons,
  engine,
}: EvaluationReport): void {
  print(`${model}: ${decision} on ${samples} cases${engine === "stand-in" ? " (a stand-in answered)" : ""}`);
  for (const suite of suites) print(`  ${suite.name}: ${suite.decision}; ${suite.reason}`);
  if (comparison !== null) {
    const points = (value: number): string => (value * 100).toFixed(1);
    print(
      `  change: ${points(comparison.difference)} points (${points(comparison.lower)} to ${points(comparison.upper)}), margin ${points(comparison.margin)}, about ${comparison.neededSamples} cases needed`,
    );
  }
  for (const reason of reasons) print(`  because: ${reason}`);
}

/** What the judge of both runs may do; undefined where nothing was judged. */
function judgement(
  candidate: string,
  baseline: string | undefined,
  calibration: string | undefined,
): EvaluationInput["judge"] {
  const ours = readVerdicts(candidate);
  const theirs = baseline === undefined ? [] : readVerdicts(baseline);
  const [version, another] = new Set([...ours, ...theirs].map((each) => each.version));
  if (version === undefined) return undefined;
  if (another !== undefined)
    throw new JudgeError(`the runs were judged by ${version} and by ${another}: a difference means nothing`);
  const { standing, record } = standingOf(
    calibration === undefined ? undefined : readCalibration(jsonOf(calibration)),
    version,
    new Date(),
  );
  return {
    standing,
    record,
    candidate: verdictScores(ours, readRun(candidate).head.repeats),
    baseline: baseline === undefined ? new Map() : verdictScores(theirs, readRun(baseline).head.repeats),
  };
}

function compare(
  candidate: string,
  { baseline, first, out, html, suite, calibration, json }: CompareOptions,
): void {
  if ((baseline === undefined) === (first === undefined))
    throw new ReportError("give --baseline <folder>, or --first where this model was never evaluated before");
  const run = readRun(candidate);
  const { evaluation } = readStack(STACKS_FOLDER, run.head.stack);
  const { cases, digest } = readDataSets(suite, evaluation.dataSets);
  if (digest !== run.head.evaluated.dataSets)
    throw new ReportError(
      `${candidate}: it asked other data sets (${run.head.evaluated.dataSets}); name the same --suite, or run it again`,
    );
  const judge = judgement(candidate, baseline, calibration);
  const base = baseline === undefined ? null : readRun(baseline);
  const report = evaluationOf({
    candidate: run,
    baseline: base,
    cases,
    minSamples: evaluation.minSamples,
    ...(judge === undefined ? {} : { judge }),
  });
  if (out !== undefined) writeFile(out, `${JSON.stringify(report, null, 2)}\n`);
  if (html !== undefined)
    writeFile(
      html,
      reportPage(report, cases, {
        candidate: resultsOf(run, cases, judge?.candidate),
        baseline: base === null ? null : resultsOf(base, cases, judge?.baseline),
      }),
    );
  if (json === true) printJson(report);
  else printReport(report);
  if (report.decision !== "passed") process.exitCode = EXIT.findings;
}

function sign(file: string, { key, out }: { readonly key: string; readonly out: string }): void {
  writeFile(out, `${JSON.stringify(signReport(readReport(jsonOf(file)), textOf(key)), null, 2)}\n`);
}

function verify(file: string, { key, json }: { readonly key: string; readonly json?: true }): void {
  const report = verifyReport(jsonOf(file), textOf(key));
  if (json === true) printJson(report);
  else {
    print("signature fits; what was signed:");
    printReport(report);
  }
}

interface GateOptions {
  readonly stack: string;
  readonly report?: readonly string[];
  readonly key?: string;
  readonly json?: true;
}

function gate({ stack, report = [], key, json }: GateOptions): void {
  const config = readStack(STACKS_FOLDER, stack);
  const { evaluation, environment } = config;
  const publicKey = key === undefined ? evaluation.signer : textOf(key);
  if (publicKey === undefined)
    throw new ReportError(
      `stack ${stack}: no key to check reports with: set evaluation.signer, or give --key; \`llmops evidence key\` makes a pair`,
    );
  const { digest: dataSets } = readDataSets(undefined, evaluation.dataSets);
  const read = report.map((file) => {
    try {
      return { file, report: verifyReport(jsonOf(file), publicKey) };
    } catch (error) {
      if (!(error instanceof Error) || !["ReportError", "EnvelopeError"].includes(error.name)) throw error;
      return { file, refused: error.message };
    }
  });
  const findings = promotions(config).map(({ model, prompt, evaluated }) => {
    const attempts = read.map((each) =>
      "refused" in each
        ? { file: each.file, reasons: [each.refused] }
        : {
            file: each.file,
            ...(each.report.model === model
              ? admission(each.report, { ...evaluated, dataSets }, { environment, ...evaluation }, new Date())
              : { kind: "refused" as const, reasons: [`it is about ${each.report.model}`] }),
          },
    );
    const admitted = attempts.find((attempt) => "kind" in attempt && attempt.kind === "admitted");
    return { model, prompt, admittedBy: admitted?.file ?? null, attempts };
  });
  const closed = findings.filter(({ admittedBy }) => admittedBy === null);
  if (json === true) printJson({ stack, gate: evaluation.gate, findings });
  else {
    for (const { model, prompt, admittedBy, attempts } of findings) {
      const what = prompt === null ? model : `${model} with ${prompt}`;
      print(admittedBy === null ? `${what}: closed` : `${what}: open, by ${admittedBy}`);
      if (admittedBy !== null) continue;
      if (attempts.length === 0) print("  there is no report");
      for (const attempt of attempts)
        for (const reason of "reasons" in attempt ? attempt.reasons : [])
          print(`  ${attempt.file}: ${reason}`);
    }
    print(
      `${findings.length - closed.length} of ${findings.length} may have traffic; the gate is ${evaluation.gate}`,
    );
  }
  if (closed.length > 0 && evaluation.gate === "required") process.exitCode = EXIT.findings;
}

/** `llmops eval`: evaluations and the gate they open. */
export function evalCommand(): Command {
  const command = new Command("eval").description(
    "evaluations: run, compare, sign, verify, and the gate they open",
  );
  command
    .command("run")
    .description("ask every case; kill it and run it again, and nothing is asked twice")
    .requiredOption("--out <folder>", "folder of the run")
    .option("-s, --stack <stack>", "environment", "local")
    .option("--suite <suites...>", "only these data sets (default: all that rules decide)")
    .addOption(
      new Option("--engine <engine>", "on this machine")
        .choices(["auto", "embedded", "stand-in"])
        .default("auto"),
    )
    .option("--prompt <prompt@version>", "on this machine: the prompt to evaluate", "assistant@1")
    .option("--url <url>", "gateway of a deployed environment")
    .option("--key <file>", "file with an API key for it")
    .option("--model <name>", "model to ask there")
    .option("--max-tokens <count>", "longest answer", whole, 48)
    .option("--repeats <count>", "times each case is asked, each with a seed of its own", whole, 1)
    .option("--concurrency <count>", "questions at a time", whole, 4)
    .option("--price <input,output>", "USD per million tokens", price, FREE)
    .option("--max-usd <amount>", "most the run may cost", usd, 5)
    .option("--json", "print JSON")
    .action(evaluate);
  command
    .command("compare")
    .description("judge a run, against a baseline where there is one; exit code 1 when it does not pass")
    .argument("<run>", "folder of the candidate's run")
    .option("--baseline <folder>", "run to compare with")
    .option("--first", "there is none yet: only the limits count")
    .option("--suite <suites...>", "the data sets the run asked (default: all that rules decide)")
    .option(
      "--calibration <file>",
      "of the judge, from `llmops eval calibrate`; without it its verdicts are advice",
    )
    .option("--out <file>", "write the report there, to be signed")
    .option("--html <file>", "write it as a page with charts")
    .option("--json", "print JSON")
    .action(compare);
  command
    .command("sign")
    .description("sign a report as an in-toto statement in a DSSE envelope")
    .argument("<report>", "file written by `llmops eval compare --out`")
    .requiredOption("--key <file>", "private key in PEM; `llmops evidence key` makes a pair")
    .requiredOption("--out <file>", "signed report")
    .action(sign);
  command
    .command("verify")
    .description("check the signature of a report and print what it says")
    .argument("<file>", "signed report")
    .requiredOption("--key <file>", "public key in PEM")
    .option("--json", "print JSON")
    .action(verify);
  command
    .command("gate")
    .description(
      "whether every model and prompt of a stack has a fresh signed report about exactly it; exit code 1 when not",
    )
    .requiredOption("-s, --stack <stack>", "environment")
    .option("--report <files...>", "signed reports")
    .option("--key <file>", "public key in PEM (default: evaluation.signer of the stack)")
    .option("--json", "print JSON")
    .action(gate);
  for (const more of [
    judgeCommand(),
    calibrateJudgeCommand(),
    labelsCommand(),
    exportSuitesCommand(),
    importResultsCommand(),
    publishCommand(),
  ])
    command.addCommand(more);
  return command;
}
