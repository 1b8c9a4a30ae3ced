import { Command, InvalidArgumentError, Option } from "commander";
import { publishToBraintrust } from "../evals/publish/braintrust.ts";
import { publishToLangsmith } from "../evals/publish/langsmith.ts";
import { publishToMlflow } from "../evals/publish/mlflow.ts";
import { summaryOf, type ReportSummary } from "../evals/publish/summary.ts";
import { verifyReport } from "../evals/report.ts";
import { print, printJson } from "./context.ts";
import { jsonOf, textOf } from "./files.ts";

interface PublishOptions {
  readonly to: "mlflow" | "langsmith" | "braintrust";
  readonly url: string;
  readonly key: string;
  readonly secret?: string;
  readonly user: string;
  readonly project?: string;
  readonly json?: true;
}

function required(options: PublishOptions, name: "secret" | "project"): string {
  const value = options[name];
  if (value === undefined) throw new InvalidArgumentError(`--to ${options.to} needs --${name}`);
  return name === "secret" ? textOf(value).trim() : value;
}

async function send(summary: ReportSummary, options: PublishOptions): Promise<object> {
  const { url, user } = options;
  switch (options.to) {
    case "mlflow":
      return publishToMlflow(
        summary,
        {
          url,
          ...(options.secret === undefined
            ? {}
            : { account: { user, password: required(options, "secret") } }),
        },
        "register",
      );
    case "langsmith":
      return { project: await publishToLangsmith(summary, { url, apiKey: required(options, "secret") }) };
    case "braintrust":
      return {
        experiment: await publishToBraintrust(summary, {
          url,
          apiKey: required(options, "secret"),
          project: required(options, "project"),
        }),
      };
  }
}

async function publish(file: string, options: PublishOptions): Promise<void> {
  const placed = await send(summaryOf(verifyReport(jsonOf(file), textOf(options.key))), options);
  if (options.json === true) printJson(placed);
  else
    print(
      `${options.to}: ${Object.entries(placed)
        .map(([what, id]) => `${what} ${String(id)}`)
        .join(", ")}`,
    );
}

/** `llmops eval publish`: figures and hashes of a signed report in a tracking platform; no prompt, no answer. */
export function publishCommand(): Command {
  return new Command("publish")
    .description(
      "send the figures and hashes of a signed report to a tracking platform; no prompt, no answer",
    )
    .argument("<file>", "signed report")
    .addOption(
      new Option("--to <platform>", "where")
        .choices(["mlflow", "langsmith", "braintrust"])
        .makeOptionMandatory(),
    )
    .requiredOption("--url <url>", "its address, for example https://eu.api.smith.langchain.com")
    .requiredOption("--key <file>", "public key the report is signed with, PEM")
    .option("--secret <file>", "file with the API key, or with the password of MLflow's account")
    .option("--user <name>", "account of MLflow", "admin")
    .option("--project <name>", "project in Braintrust")
    .option("--json", "print JSON")
    .action(publish);
}
